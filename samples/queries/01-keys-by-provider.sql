-- Which providers hold our private keys, through which interface, and on how many clients?
SELECT key_api,
       provider_name,
       count(*) AS keys,
       sum(observations)::BIGINT AS observations,
       count(DISTINCT client) AS clients
FROM 'keys/*.parquet'
GROUP BY key_api, provider_name
ORDER BY keys DESC, key_api, provider_name;
