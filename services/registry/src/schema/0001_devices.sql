-- Ids are the monolith's: they are what clients know devices by.
-- AUTOINCREMENT: an id is never used again, as there.
CREATE TABLE devices (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    home_id       INTEGER NOT NULL,
    name          TEXT NOT NULL,
    kind          TEXT NOT NULL,
    firmware      TEXT NOT NULL,
    state         TEXT NOT NULL, -- JSON, byte for byte as the client wrote it
    created_at_us INTEGER NOT NULL,
    updated_at_us INTEGER NOT NULL,
    version       INTEGER NOT NULL CHECK (version >= 1)
) STRICT;
CREATE INDEX devices_by_home ON devices (home_id);

CREATE TABLE tombstones (
    id            INTEGER PRIMARY KEY,
    version       INTEGER NOT NULL,
    deleted_at_us INTEGER NOT NULL
) STRICT;

-- No foreign key from devices: a home may arrive after its devices.
CREATE TABLE homes (
    id         INTEGER PRIMARY KEY,
    owner_id   INTEGER NOT NULL,
    read_at_us INTEGER NOT NULL -- when it was so in the monolith, which keeps no version of homes
) STRICT;
CREATE INDEX homes_by_owner ON homes (owner_id);
