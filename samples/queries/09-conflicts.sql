-- Which verdicts are contradicted by weaker evidence, and what did the export claim?
SELECT client,
       subject,
       CASE WHEN key_api_conflict THEN key_api || ' by ' || key_api_rule END AS contradicted_api,
       CASE WHEN key_storage_conflict THEN key_storage || ' by ' || key_storage_rule END AS contradicted_storage,
       provider_name,
       provider_type,
       impl_api,
       impl_flags,
       key_path,
       source_path,
       byte_offset
FROM 'observations/*.parquet'
WHERE key_api_conflict
   OR key_storage_conflict
ORDER BY client, source_path, byte_offset;
