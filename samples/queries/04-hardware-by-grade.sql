-- How many keys are said to be in hardware, in which kind, and how strong is the evidence?
SELECT key_storage,
       coalesce(key_storage_grade, '(none)') AS grade,
       key_storage_rule AS rule,
       count(DISTINCT key_id) AS keys,
       count(*) FILTER (WHERE key_storage_conflict) AS contradicted_observations
FROM 'observations/*.parquet'
WHERE hardware_backed
  -- A certificate may say that its key is in a TPM; without a key here that is another machine's key.
  AND key_presence IN ('opened', 'declared', 'missing')
GROUP BY ALL
ORDER BY keys DESC, key_storage, grade, rule;
