-- Which certificates with a private key expire in 2028, on which clients? (change the year in the first line)
WITH asked AS (SELECT 2028 AS expiry_year)
SELECT not_after,
       subject,
       thumbprint,
       count(DISTINCT client) AS clients,
       list(DISTINCT client ORDER BY client) AS which_clients,
       list(DISTINCT key_api ORDER BY key_api) AS key_apis
FROM 'keys/*.parquet', asked
WHERE year(not_after) = asked.expiry_year
GROUP BY not_after, subject, thumbprint
ORDER BY not_after, subject, thumbprint;
