package storage

// dialect is what differs between the kinds of database.
type dialect struct {
	// contains and beginsWith are conditions on a text column; %[1]s is the column, %[2]s the parameter.
	// They compare case-sensitively, which LIKE does not do everywhere.
	contains, beginsWith string
	// isUnique reports whether a statement failed because something must be unique.
	isUnique func(err error) bool
}
