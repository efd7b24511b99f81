-- What blocks or warns, on how many clients, and what is to be done first?
SELECT severity,
       status,
       rule,
       count(*) AS findings,
       count(DISTINCT client) AS clients,
       any_value(message ORDER BY message) AS for_example
FROM 'findings/*.parquet'
WHERE status IN ('blocks', 'warns')
GROUP BY severity, status, rule
ORDER BY list_position(['critical', 'high', 'medium', 'low', 'info'], severity), status, findings DESC, rule;
