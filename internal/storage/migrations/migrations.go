// Package migrations holds the schema, one directory for each kind of database. Migrations that were
// released are never changed; a change of the schema is a new file in every directory.
package migrations

import "embed"

// Files has one directory of goose migrations for each kind of database.
//
//go:embed sqlite/*.sql
var Files embed.FS
