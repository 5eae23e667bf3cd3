-- The events of one kind, newest first, as admins ask for them.
CREATE INDEX events_kind ON events (kind, id);
