-- How many keys would a quantum computer break, by interface? Keys in CryptoAPI cannot become post-quantum keys.
SELECT key_api,
       count(*) AS keys,
       count(*) FILTER (WHERE pqc_status = 'quantum_vulnerable') AS quantum_vulnerable,
       count(*) FILTER (WHERE pqc_status IN ('post_quantum', 'composite')) AS post_quantum,
       count(*) FILTER (WHERE pqc_status IS NULL) AS algorithm_not_known
FROM 'keys/*.parquet'
GROUP BY key_api
ORDER BY keys DESC, key_api;
