-- Which RSA keys on smart cards or tokens are reached through a CryptoAPI provider, so that they depend on it?
SELECT client,
       user_sid,
       provider_name,
       provider_type,
       key_storage,
       key_storage_grade,
       key_size_bits,
       is_smart_card_logon,
       subject,
       thumbprint
FROM 'observations/*.parquet'
WHERE key_api = 'capi'
  AND key_algorithm = 'rsa'
  AND key_storage IN ('smart_card', 'virtual_smart_card', 'usb_token')
ORDER BY client, user_sid, thumbprint, source_path, byte_offset;
