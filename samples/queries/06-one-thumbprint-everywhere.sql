-- Where is one certificate found, and is its private key there? (change the thumbprint in the first line)
WITH asked AS (SELECT 'f85013c4ea51d533e91f19e7b4b1da88362bee45' AS thumbprint)
SELECT client,
       store_location,
       store_name,
       key_presence,
       key_api,
       key_storage,
       provider_name,
       key_container,
       source_path,
       byte_offset
FROM 'observations/*.parquet'
SEMI JOIN asked USING (thumbprint)
ORDER BY client, store_location, store_name, source_path, byte_offset, observation_id;
