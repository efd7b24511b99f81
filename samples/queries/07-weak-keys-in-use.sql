-- Which weak certificates have a private key here, and why are they weak?
SELECT o.client,
       o.store_name,
       o.subject,
       c.weak_reasons,
       c.key_size_bits,
       c.signature_algorithm,
       o.key_api,
       o.key_storage,
       o.not_after,
       o.thumbprint
FROM 'observations/*.parquet' AS o
JOIN 'certificates/*.parquet' AS c USING (sha256)
WHERE c.is_weak
  AND o.has_private_key
ORDER BY o.client, o.store_name, o.thumbprint, o.byte_offset;
