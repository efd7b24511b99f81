-- Which clients are farthest from a finished migration: keys in CryptoAPI, and findings that block?
SELECT coalesce(client, '(client not known)') AS client,
       keys,
       keys_capi,
       keys_cng,
       keys_api_unknown,
       findings_block,
       findings_warn
FROM 'clients/*.parquet'
WHERE keys > 0
ORDER BY findings_block DESC, keys_capi DESC, client;
