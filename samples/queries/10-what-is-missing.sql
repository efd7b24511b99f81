-- What is not in this report: sources that were not read to their end, and what was lost or doubted in the others?
SELECT s.source_path,
       s.format,
       s.status,
       s.records,
       s.yielded,
       r.severity,
       r.code,
       count(r.code) AS rejects,
       any_value(r.message ORDER BY r.byte_offset, r.message) AS first_message
FROM 'sources/*.parquet' AS s
LEFT JOIN 'rejects/*.parquet' AS r USING (source_id)
WHERE r.code IS NOT NULL
   OR s.status NOT IN ('complete', 'empty')
GROUP BY ALL
ORDER BY s.source_path, r.severity DESC, r.code;
