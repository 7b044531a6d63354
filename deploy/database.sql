-- The account with which the service runs. It gets its rights from `donate db grant donate_service`.
-- In compose.yaml the container of PostgreSQL runs this once, when it makes the database.
\set password `cat /run/secrets/service_password`
CREATE ROLE donate_service LOGIN PASSWORD :'password';
