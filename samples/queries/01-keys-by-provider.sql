-- Which providers hold our private keys, through which interface, and on how many clients?
SELECT key_api,
       provider_name,
       count(DISTINCT key_id) AS keys,
       count(*) AS observations,
       count(DISTINCT client) AS clients
FROM 'observations/*.parquet'
WHERE key_presence IN ('opened', 'declared', 'missing')
GROUP BY key_api, provider_name
ORDER BY keys DESC, key_api, provider_name;
