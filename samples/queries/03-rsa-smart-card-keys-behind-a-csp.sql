-- Whose smart cards does the change of February 2027 concern, and who still uses CryptoAPI for them?
SELECT client,
       rule,
       concerns,
       concerned,
       message
FROM 'findings/*.parquet'
WHERE rule IN ('smart_card_change', 'smart_card_csp_key', 'capi_smart_card_use')
ORDER BY client, rule, concerned;
