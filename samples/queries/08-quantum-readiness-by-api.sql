-- How many keys of each interface and storage are quantum-vulnerable, and how many post-quantum?
SELECT key_api,
       key_storage,
       count(DISTINCT key_id) FILTER (WHERE pqc_status = 'quantum_vulnerable') AS quantum_vulnerable,
       count(DISTINCT key_id) FILTER (WHERE pqc_status IN ('post_quantum', 'composite')) AS post_quantum,
       count(DISTINCT key_id) FILTER (WHERE pqc_status IS NULL) AS algorithm_not_known
FROM 'observations/*.parquet'
WHERE key_presence IN ('opened', 'declared', 'missing')
GROUP BY key_api, key_storage
ORDER BY key_api, key_storage;
