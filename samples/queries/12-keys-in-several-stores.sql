-- Which keys stand behind certificates in more than one store, or behind more than one certificate?
SELECT client,
       key_id,
       count(*) AS observations,
       count(DISTINCT thumbprint) AS certificates,
       list(DISTINCT store_location || '/' || store_name ORDER BY store_location || '/' || store_name) AS stores,
       list(DISTINCT provider_name ORDER BY provider_name) AS providers
FROM 'observations/*.parquet'
WHERE key_id IS NOT NULL
  -- Without a client, two machines with the same certificate would look like one.
  AND client IS NOT NULL
GROUP BY client, key_id
HAVING count(DISTINCT store_location || '/' || store_name) > 1
    OR count(DISTINCT thumbprint) > 1
ORDER BY observations DESC, client, key_id;
