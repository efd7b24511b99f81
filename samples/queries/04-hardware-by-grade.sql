-- How many keys are said to be in hardware, in which kind, and how strong is the evidence?
SELECT key_storage,
       coalesce(key_storage_grade, '(none)') AS grade,
       key_storage_rule AS rule,
       count(*) AS keys,
       count(*) FILTER (WHERE key_storage_conflict) AS contradicted
FROM 'keys/*.parquet'
WHERE hardware_backed
GROUP BY ALL
ORDER BY keys DESC, key_storage, grade, rule;
