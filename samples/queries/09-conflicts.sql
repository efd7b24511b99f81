-- Where does the evidence on a key contradict itself: every piece of it, with its rank and its place?
SELECT k.client,
       k.subject AS certificate,
       e.subject AS verdict,
       e.rank,
       e.outcome,
       e.kind,
       e.value,
       e.says,
       e.times,
       e.source_path,
       e.byte_offset
FROM 'evidence/*.parquet' AS e
JOIN 'keys/*.parquet' AS k USING (key_id)
WHERE (e.subject = 'api' AND k.key_api_conflict) OR (e.subject = 'storage' AND k.key_storage_conflict)
ORDER BY k.client, k.key_id, e.subject, e.rank, e.outcome DESC, e.kind, e.value;
