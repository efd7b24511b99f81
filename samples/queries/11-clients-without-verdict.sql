-- Which clients have keys on which nothing could be concluded, or collections that broke off?
SELECT client,
       collections,
       incomplete_collections,
       observations,
       with_key + missing_key AS claimed_keys,
       api_unknown,
       storage_unknown,
       elevated,
       collected_at
FROM 'clients/*.parquet'
WHERE with_key + missing_key > 0 AND api_capi + api_cng = 0
   OR storage_unknown > 0
   OR incomplete_collections > 0
ORDER BY storage_unknown DESC, client;
