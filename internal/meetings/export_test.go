package meetings

// CheckCursor reads a cursor, for the fuzz test.
func (s *Service) CheckCursor(list, token string) error {
	_, err := s.readCursor(list, token)
	return err
}
