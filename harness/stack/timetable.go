package stack

// waits lists the durations that are part of an incident and are divided by the
// speed of the world's clock: how often, and how long until, such as how long a
// source may be silent.
func waits() map[string]bool {
	return set(
		"balancer.Config.ProbeInterval",
		"balancer.Config.RecorderPoll",
		"balancer.Config.Window",
		"balancer.Config.RenewInterval",
		"balancer.Config.RestoreInterval",
		"balancer.Config.DrainTimeout",
		"balancer.Config.DNSTTL",
		"balancer.Config.CheckInterval",
		"account.ServiceConfig.Fresh",
		"account.ServiceConfig.Keep",
		"account.ServiceConfig.Retry",
		"recorder.Config.Window",
		"recorder.Config.SyncInterval",
		"recorder.Config.SegmentLength",
		"recorder.Config.IdleTimeout",
		"recorder.Config.RequestIdle",
		"recorder.Config.DiskInterval",
		"recorder.Config.SweepInterval",
		"recorder.Config.Remember",
		"recorder.Config.DrainTimeout",
		"recorder.Config.PublishInterval",
		"recorder.Config.PublishBackoff",
		"recorder.Config.PublishBackoffMost",
		"recorder.Config.PeerPatience",
		"recorder.Config.MailBackoff",
		"recorder.Config.MailBackoffMost",
		"recorder.Config.MailGiveUp",
		"recorder.Config.Keep",
		"redis.Config.CopyEvery",
		"sentinel.Config.Every",
		"sentinel.Config.DownAfter",
		"broadcaster.Wait.For",
		"broadcaster.Wait.Tick",
		"broadcaster.Waits.AfterReply",
	)
}

// deadlines lists the durations that meet the machine as it is: how long one
// thing may take, and what a client or a network gives.
func deadlines() map[string]bool {
	return set(
		"balancer.Config.HeadTimeout",
		"balancer.Config.HoldPut",
		"balancer.Config.HoldSource",
		"balancer.Config.HoldRetry",
		"balancer.Config.ClaimDeadline",
		"balancer.Config.DialDeadline",
		"balancer.Config.AskDeadline",
		"balancer.Config.ForwardDeadline",
		"balancer.Config.ProbeDeadline",
		"balancer.Config.RecorderPollDeadline",
		"balancer.Config.Batch",
		"recorder.Config.Batch",
		"balancer.Config.StallTimeout",
		"balancer.Config.LingerTimeout",
		"balancer.Config.RefuseLinger",
		"account.ServiceConfig.Deadline",
		"sentinel.Config.Deadline",
		"recorder.Config.HeadTimeout",
		"recorder.Config.AnswerTimeout",
		"recorder.Config.LingerTimeout",
		"recorder.Config.TakeoverDeadline",
		"recorder.Config.TakeoverGrace",
		"recorder.Config.DiskDeadline",
		"recorder.Config.StoreDeadline",
		"recorder.Config.PeerDeadline",
		"recorder.Config.MailDeadline",
		"recorder.Config.FetchDeadline",
		"recorder.Config.ListenerBatch",
		"recorder.Config.ListenerTimeout",
	)
}

func set(names ...string) map[string]bool {
	all := make(map[string]bool, len(names))
	for _, n := range names {
		all[n] = true
	}
	return all
}
