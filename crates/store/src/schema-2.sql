-- Version 2. What nobody judged yet is found without passing over what the playbook judged in the meantime.

CREATE INDEX job_unjudged ON job (queued_ms) WHERE body ->> 'is_unjudged';
