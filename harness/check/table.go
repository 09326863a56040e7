package check

import (
	"time"

	"deadair/harness/scenario"
)

// property is a line of the table of properties.
type property struct {
	name     string
	sentence string // what must hold: error, heading and documentation in one
	judge    func(*evidence, scenario.Expectation) opinion
	always   bool // judged whether a scenario expects it or not
	timed    bool // a machine that is too slow for the deadlines can make it fail
}

// opinion is what a property's function finds. Without findings the property holds.
type opinion struct {
	fails           []Finding
	slow            []Finding // fails that a machine too slow for the deadlines can cause
	unclear         []Finding // why it cannot be judged
	limit, measured string
	worst           time.Duration
}

// evidenceName is the property that every run has: its evidence can be trusted.
const evidenceName = "evidence"

// table is every property, in the order of a verdict's always-on part.
func table() []property {
	return []property{
		{name: "nearest-datacenter", judge: nearestDatacenter, timed: true,
			sentence: "DNS sends each broadcaster to the nearest datacenter that has a healthy balancer, as far as it knows where the broadcaster is"},
		{name: "available-server", judge: availableServer, timed: true,
			sentence: "a connection goes to a recorder that takes new shows and has room, in its balancer's own datacenter as long as there is one, and nobody is turned away while there is"},
		{name: "cohort-routed", judge: cohortRouted, timed: true,
			sentence: "while new recorders are rolled out, a show that begins is recorded by those that its cohort is led to at that time, as long as one of them can take it"},
		{name: "capacity-respected", judge: capacityRespected,
			sentence: "no recorder has more shows at a time than it has places"},
		{name: "cross-datacenter-failover", judge: crossDatacenterFailover, timed: true,
			sentence: "when no recorder of a datacenter lives its balancers stay in DNS and lead new and returning sources to another one, and shows that begin later come home"},
		{name: "sticky-reconnect", judge: stickyReconnect, timed: true,
			sentence: "a broadcaster that reconnects comes back to the very recorder and session that hold its show, as long as that recorder lives"},
		{name: "first-reconnect-answered", judge: firstReconnectAnswered, timed: true,
			sentence: "a broadcaster that lost its connection is taken the first time that it reaches a living balancer, and DNS tells it of one"},
		{name: "lost-for-good", judge: lostForGood, timed: true,
			sentence: "no show ends for ever because its client gave up, unless no balancer could have kept it"},
		{name: "recovered-within", judge: recoveredWithin, timed: true,
			sentence: "broadcasters that lost their connection are on air again in time, as many of them as must be"},
		{name: "admission-within", judge: admissionWithin, timed: true,
			sentence: "a balancer takes a broadcaster in time, as many of them as must be"},
		{name: "dead-air", judge: deadAir, timed: true,
			sentence: "no broadcaster's programme is missing for longer than allowed"},
		{name: "published-once", judge: publishedOnce,
			sentence: "every show that was recorded is in the store once it is over: one track of all there is, nothing twice, nothing foreign"},
		{name: "publish-delay", judge: publishDelay, timed: true,
			sentence: "a track is in the store in time after its show, and after the last fault that held it up"},
		{name: "notice-sent", judge: noticeSent, timed: true,
			sentence: "whoever had a show that is published is told so by mail, once for each, and in time after that and after the last fault that held it up"},
		{name: "no-blank-mail", judge: noBlankMail,
			sentence: "no broadcaster gets a mail in which there is nothing to read"},
		{name: "health-honest", judge: healthHonest, timed: true,
			sentence: "a balancer that routes nobody is not called healthy for longer than allowed"},
		{name: "pool-converges", judge: poolConverges, timed: true,
			sentence: "DNS stops answering with a balancer that is down, in time, and answers only with healthy ones"},
		{name: "returns-to-pool", judge: returnsToPool, timed: true,
			sentence: "DNS answers with a balancer again, in time, when it works again"},
		{name: "no-flapping", judge: noFlapping,
			sentence: "health checks do not put a balancer out of the pool and in again at every tremor: no more than two changes in five minutes"},
		{name: "fault-weighed", judge: faultWeighed, timed: true,
			sentence: "a balancer that alone has lost redis leaves DNS, and those that have lost it together stay"},
		{name: "error-rate", judge: errorRate, timed: true,
			sentence: "no more of the visitors' requests fail than allowed, and none once the pool has had its time to do without what fails"},
		{name: "listeners-on-air", judge: listenersOnAir, timed: true,
			sentence: "people who listen hear what they listen to, for as much of the time as must be, and all of it once all had time to do without what fails"},
		{name: "tls-floor", judge: tlsFloor,
			sentence: "every front speaks TLS 1.2 and 1.3, and agrees to nothing older; that the floor is 1.2 is a choice of this project"},
		{name: "untouched", judge: untouched, timed: true,
			sentence: "broadcasters whom no fault concerns notice nothing and miss nothing"},
		{name: "recording-intact", judge: recordingIntact, always: true,
			sentence: "what is on disk, and in the store, is the show: one session, in order, nothing doubled, nothing foreign, nothing missing but what an interruption took"},
		{name: "single-writer", judge: singleWriter, always: true,
			sentence: "a show has one writer at a time, and each one's epoch is higher than the last one's"},
		{name: "no-unexplained-disconnect", judge: noUnexplainedDisconnect, always: true, timed: true,
			sentence: "no broadcaster loses its connection but by a fault on its path"},
		{name: evidenceName, judge: soundEvidence, always: true,
			sentence: "the run is complete, it began healthy, and every step touched what it was aimed at"},
	}
}

// Names lists the properties that a scenario can expect.
func Names() []string {
	var names []string
	for _, t := range table() {
		if t.name != evidenceName {
			names = append(names, t.name)
		}
	}
	return names
}

// Sentence is what a property says, or "" for an unknown one.
func Sentence(name string) string {
	for _, t := range table() {
		if t.name == name {
			return t.sentence
		}
	}
	return ""
}
