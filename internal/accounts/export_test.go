package accounts

// HashCheaply makes password hashes of this service almost free, for tests that are about something else.
func (s *Service) HashCheaply() {
	s.cost = hashCost{memory: 8, time: 1, lanes: 1}
	s.decoy = s.cost.decoy()
}
