-- Which clients still have keys in CryptoAPI, how many, and which certificate among them runs longest?
SELECT coalesce(client, '(client not known)') AS client,
       count(DISTINCT key_id) AS capi_keys,
       count(DISTINCT key_id) FILTER (WHERE key_presence = 'missing') AS of_these_missing,
       max(not_after) AS last_expiry
FROM 'observations/*.parquet'
WHERE key_api = 'capi'
GROUP BY ALL
ORDER BY capi_keys DESC, client;
