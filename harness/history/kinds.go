package history

// Kinds names every kind of event, in the order of their declaration.
func Kinds() []string {
	var names []string
	for _, k := range []Kind{
		RunStarted, RunEnded, BaselineFailed, Canary, Starved, HashChoice,
		FaultBegan, FaultTouched, FaultEnded,
		NodeReady, NodeEnded,
		OnAir, OffAir, Resolved, Attempt, Lost, GaveUp,
		Requested, Listened,
		CheckerSaw, Voted, AnswerChanged,
		Dialed, Hung, Probe,
		SegmentFound, DiskHashed, Probed,
		TrackStored, TrackFound, StoreRead,
		MailTaken, MailsRead,
	} {
		names = append(names, string(k))
	}
	return names
}
