"""The rules that matter most, each with what it looks like switched off.

To add one: name the rule, the file, a piece of text that occurs in it exactly
once, what it becomes without the rule, and the tests that must notice.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    rule: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


GATE, GATE_TESTS = "batches/gate.py", ("tests/batches/test_gate.py",)
PLAN, PLAN_TESTS = "batches/plan.py", ("tests/batches/test_plan.py",)
WINDOW, WINDOW_TESTS = "batches/window.py", ("tests/batches/test_window.py",)
SCHEDULE, SCHEDULE_TESTS = "batches/schedule.py", ("tests/batches/test_schedule.py",)
STANDING, STANDING_TESTS = "batches/standing.py", ("tests/batches/test_standing.py",)
EVIDENCE, EVIDENCE_TESTS = "migrate/domain/evidence.py", ("tests/domain/test_evidence.py",)
TABLE, TABLE_TESTS = "migrate/domain/attempt.py", ("tests/domain/test_attempt.py",)
READING, READING_TESTS = "batches/reading.py", ("tests/batches/test_reading.py",)
RECOVERY, RECOVERY_TESTS = "batches/recovery.py", ("tests/batches/test_recovery.py",)
PATIENCE, PATIENCE_TESTS = "batches/patience.py", ("tests/batches/test_patience.py",)
ACTS, ACTS_TESTS = "batches/acts.py", ("tests/batches/test_acts.py",)
HANDS, READBACK = "batches/hands.py", "batches/readback.py"
DRIVER, DRIVER_TESTS = "batches/driver.py", ("tests/batches/test_driver.py",)
WATCH, WATCH_TESTS = "batches/watch.py", ("tests/batches/test_watch.py",)
CONDUCTOR, CONDUCTOR_TESTS = "batches/conductor.py", ("tests/batches/test_conductor.py",)
BACK, ORDERED, BACK_TESTS = "batches/rollback.py", "batches/ordered.py", ("tests/batches/test_way_back_gate.py",)
UNIT = "migrate/domain/unit.py"
FLASHING_TESTS = ("tests/batches/test_flashing.py", "tests/batches/test_harm.py")
CAMPAIGN, CAMPAIGN_TESTS = "migrate/engine/campaign.py", ("tests/engine/test_campaign.py",)


MUTANTS: tuple[Mutant, ...] = (
    # the gate
    Mutant("too few confirmed hold", GATE, "if good < wanted * tally.attempted:", "if False:", GATE_TESTS),
    Mutant(
        "min_confirmed met is enough",
        GATE,
        "if good < wanted * tally.attempted:",
        "if good <= wanted * tally.attempted:",
        GATE_TESTS,
    ),
    Mutant(
        "max_failed_share met is not exceeded",
        GATE,
        "failed > limit * tally.attempted:",
        "failed >= limit * tally.attempted:",
        GATE_TESTS,
    ),
    Mutant("a failed share shuts", GATE, "failed > limit * tally.attempted:", "False:", GATE_TESTS),
    Mutant("shares are exact", GATE, "exact = share.exact", "exact = Fraction(share.of_one)", GATE_TESTS),
    Mutant(
        "stuck counts as failed",
        GATE,
        "tally.failed + tally.reverted + tally.stuck",
        "tally.failed + tally.reverted",
        GATE_TESTS,
    ),
    Mutant(
        "max_lost met is not exceeded", GATE, "if lost > policy.max_lost:", "if lost >= policy.max_lost:", GATE_TESTS
    ),
    Mutant("a lost station shuts", GATE, "if lost > policy.max_lost:", "if False:", GATE_TESTS),
    Mutant(
        "no share before min_sample",
        GATE,
        "tally.ended >= policy.min_sample",
        "tally.ended > policy.min_sample",
        GATE_TESTS,
    ),
    Mutant("a wave must soak", GATE, "elif soaked < soak:", "elif False:", GATE_TESTS),
    Mutant(
        "an unwatched soak holds",
        GATE,
        "    if soaked is None:",
        "    if soaked is None:\n        return\n    if soaked is None:",
        GATE_TESTS,
    ),
    Mutant("a soak met is enough", GATE, "elif soaked < soak:", "elif soaked <= soak:", GATE_TESTS),
    Mutant("the next wave needs approval", GATE, "if not approved:", "if False:", GATE_TESTS),
    Mutant(
        "shut outranks hold",
        GATE,
        "if against := tuple(_against(tally, policy, acknowledged or {})):",
        "against = tuple(_against(tally, policy, acknowledged or {}))\n"
        "    if against and not tuple(_missing(tally, policy, soaked, approved)):",
        GATE_TESTS,
    ),
    Mutant("pending holds", GATE, "if tally.pending:", "if False:", GATE_TESTS),
    Mutant("what does not add up holds", GATE, "or not _adds_up(tally):", "or False:", GATE_TESTS),
    Mutant("a broken share holds", GATE, "return exact if 0 <= exact <= 1 else None", "return exact", GATE_TESTS),
    Mutant(
        "only what has not moved was acknowledged",
        GATE,
        "and seen.get(attempt.id) == attempt.version:",
        "and attempt.id in seen:",
        GATE_TESTS,
    ),
    Mutant(
        "window and backoff are owed to the wave",
        GATE,
        "return attempt.deferral is not None and attempt.deferral.is_outside",
        "return True",
        GATE_TESTS,
    ),
    Mutant("a rollback is no success", GATE, "return State.REVERTED if", "return State.SETTLED if", GATE_TESTS),
    Mutant(
        "max_failed met does not stop",
        GATE,
        "if count > policy.max_failed}",
        "if count >= policy.max_failed}",
        GATE_TESTS,
    ),
    # places
    Mutant("a site may always have one", SCHEDULE, "max(1, int(share", "max(0, int(share", SCHEDULE_TESTS),
    Mutant("the share is of connectors", SCHEDULE, " // largest[site])", ")", SCHEDULE_TESTS),
    Mutant("a cap is never exceeded", SCHEDULE, ">= p.limit), None)", "> p.limit), None)", SCHEDULE_TESTS),
    Mutant(
        "no station is twice in flight",
        SCHEDULE,
        "not in self._waiting and station.identity not in self._flying:",
        "not in self._waiting:",
        SCHEDULE_TESTS,
    ),
    Mutant("a release wakes who waits", SCHEDULE, "self._call_next(permit.scope)", "pass", SCHEDULE_TESTS),
    Mutant(
        "a release passes the call on",
        SCHEDULE,
        "            self._call_next(line)",
        "            pass",
        SCHEDULE_TESTS,
    ),
    # windows
    Mutant("a window excludes its end", WINDOW, "<= shown < daily.end", "<= shown <= daily.end", WINDOW_TESTS),
    Mutant("a window includes its begin", WINDOW, "daily.begin <= shown", "daily.begin < shown", WINDOW_TESTS),
    Mutant(
        "a window may span midnight",
        WINDOW,
        "return shown >= daily.begin or",
        "return shown >= daily.begin and",
        WINDOW_TESTS,
    ),
    Mutant("a freeze includes its last day", WINDOW, "<= day <= freeze.last", "<= day < freeze.last", WINDOW_TESTS),
    Mutant(
        "the clock of the site counts", WINDOW, "timezone.strip() or windows.timezone", "windows.timezone", WINDOW_TESTS
    ),
    Mutant("changed clocks open and close", WINDOW, ", *_clock_changes(zone, day)}", "}", WINDOW_TESTS),
    # the plan
    Mutant(
        "the canary holds every profile",
        PLAN,
        "for name in sorted(profiles):",
        "for name in sorted(profiles)[1:]:",
        PLAN_TESTS,
    ),
    Mutant("waves never shrink", PLAN, "max(asked, before), notes)", "asked, notes)", PLAN_TESTS),
    Mutant("nobody falls out of the plan", PLAN, "excluded += dealer.left_over(len(waves))", "pass", PLAN_TESTS),
    Mutant("a hold is respected", PLAN, "if station.hold.strip():", "if False:", PLAN_TESTS),
    Mutant("the lifecycle is respected", PLAN, "if not station.lifecycle.is_plannable:", "if False:", PLAN_TESTS),
    Mutant("a wave keeps within site shares", PLAN, "< self._limits[candidate.planned.site]:", "< 10**9:", PLAN_TESTS),
    Mutant("the fingerprint covers the policy", PLAN, "        *_covered(policy),\n", "", PLAN_TESTS),
    Mutant("the fingerprint covers the inventory", PLAN, "        *map(_as_planned, inventory),\n", "", PLAN_TESTS),
    Mutant("the fingerprint covers the addresses", PLAN, "        list(addresses),\n", "", PLAN_TESTS),
    Mutant(
        "the order of rows is nothing", PLAN, "sorted(stations, key=lambda s: s.identity)", "list(stations)", PLAN_TESTS
    ),
    # standing
    Mutant("later waves need their own approval", STANDING, "and wave < gate", "and wave <= gate", STANDING_TESTS),
    Mutant(
        "an approval of another plan says nothing", STANDING, " if a.fingerprint == fingerprint}", "}", STANDING_TESTS
    ),
    Mutant("stuck counts with the lost", STANDING, " or totals.get(State.STUCK, 0):", ":", STANDING_TESTS),
    # evidence
    Mutant("E3: accepted by the upstream", EVIDENCE, 'if sighting.answer != "Accepted":', "if False:", EVIDENCE_TESTS),
    Mutant(
        "E3: every known fact agrees",
        EVIDENCE,
        "in disagreements(expected, sighting.facts).items():",
        "in ():",
        EVIDENCE_TESTS,
    ),
    Mutant(
        "E3: at least one fact is known",
        EVIDENCE,
        "if not agreements(expected, sighting.facts):",
        "if False:",
        EVIDENCE_TESTS,
    ),
    Mutant("E3: no rival", EVIDENCE, "    if rivals:", "    if False:", EVIDENCE_TESTS),
    Mutant("E3: no lab", EVIDENCE, "if sighting.lab and not lab_counts:", "if False:", EVIDENCE_TESTS),
    # the table
    Mutant(
        "E3 confirms from every state that is no end",
        TABLE,
        "if state not in ENDS and state is not State.SETTLED:",
        "if state in IN_FLIGHT:",
        TABLE_TESTS,
    ),
    Mutant(
        "a weaker sighting never undoes a confirmation",
        TABLE,
        "_BEYOND_ARRIVAL = ENDS | {State.CONFIRMED, State.SETTLED}",
        "_BEYOND_ARRIVAL = ENDS",
        TABLE_TESTS,
    ),
    Mutant(
        "a lost station is not given up by a clock",
        TABLE,
        "State.LOST: {Fact.ON_SOURCE: State.UNDOING,",
        "State.LOST: {Fact.DEADLINE: State.FAILED, Fact.ON_SOURCE: State.UNDOING,",
        TABLE_TESTS,
    ),
    # one station, one batch, one run
    Mutant(
        "a boot that we asked for is no return",
        READING,
        "kind is Kind.BOOT and not sighting.solicited and",
        "kind is Kind.BOOT and",
        READING_TESTS,
    ),
    Mutant(
        "a boot in the session of the write is no restart",
        READING,
        "and not sighting.solicited and is_new_session:",
        "and not sighting.solicited:",
        READING_TESTS,
    ),
    Mutant(
        "what was seen before it left is no return",
        READING,
        "if sighting.at < attempt.entered_at or sighting.solicited:",
        "if sighting.solicited:",
        READING_TESTS,
    ),
    Mutant(
        "a restart is repeated only for a station still there",
        RECOVERY,
        "if where is not Restarted.STILL_THERE:",
        "if False:",
        RECOVERY_TESTS,
    ),
    Mutant(
        "a restart is repeated only while the new values are held",
        RECOVERY,
        "if now not in (Held.NEW, Held.UNKNOWN):",
        "if False:",
        RECOVERY_TESTS,
    ),
    Mutant(
        "unknown is never rounded to done",
        RECOVERY,
        "Fact.READ_BACK_WHOLE if acknowledged else Fact.PARTLY_APPLIED",
        "Fact.READ_BACK_WHOLE",
        RECOVERY_TESTS,
    ),
    Mutant(
        "a blind witness pauses every deadline",
        PATIENCE,
        "is not None and self.could_see and can_see:",
        "is not None:",
        PATIENCE_TESTS,
    ),
    Mutant(
        "a driver who charges is not cut off",
        ACTS,
        "return session is None or bool(session.charging) or is_new",
        "return session is None",
        ACTS_TESTS,
    ),
    Mutant(
        "unseen is not offline", "batches/checking.py", "if origin not in presence.seen and", "if False and", ACTS_TESTS
    ),
    Mutant(
        "the tries are counted",
        ACTS,
        "is_last_try = attempt.tries >= self._errand.policy.retries.attempts",
        "is_last_try = False",
        ACTS_TESTS,
    ),
    Mutant(
        "a refusal half-way is undone", READBACK, "if acknowledged or undo(attempt.unit, now):", "if False:", ACTS_TESTS
    ),
    Mutant(
        "what came too late out of the journal is not sent",
        HANDS,
        "if waited > SEND_LIMIT_S:",
        "if False:",
        DRIVER_TESTS,
    ),
    Mutant(
        "an ending while nobody saw is the environment's",
        DRIVER,
        "if is_bad_end and is_excused else",
        "if False else",
        DRIVER_TESTS,
    ),
    Mutant(
        "a rival session keeps a boot from confirming",
        READING,
        "return max(presence.answering - own, 0)",
        "return 0",
        DRIVER_TESTS,
    ),
    Mutant(
        "a fenced worker lets go", DRIVER, "raise stale  # another", "await asyncio.sleep(3600)  # another", ACTS_TESTS
    ),
    Mutant(
        "a batch is not fenced by itself",
        CONDUCTOR,
        "        async with lock:\n",
        "        async with asyncio.Lock():\n",
        CONDUCTOR_TESTS,
    ),
    Mutant(
        "a confirmed station soaks",
        WATCH,
        "is_soaked = quiet >= errand.policy.gate.soak",
        "is_soaked = True",
        WATCH_TESTS,
    ),
    Mutant(
        "a station with a rival does not settle",
        WATCH,
        "elif is_soaked and _is_alone(presence):",
        "elif is_soaked:",
        WATCH_TESTS,
    ),
    Mutant(
        "a deferral does not last for ever",
        WATCH,
        "now - a.opened_at > e.policy.timeouts.defer]",
        "False]",
        WATCH_TESTS,
    ),
    Mutant(
        "a gate trips with the failure that shuts it",
        CAMPAIGN,
        "self.brake.shut_waves |= {planned.wave}",
        "pass",
        CAMPAIGN_TESTS,
    ),
    Mutant(
        "a gate opened again turns no batch away",
        CAMPAIGN,
        "await self._refresh()  # a gate",
        "pass  # a gate",
        CAMPAIGN_TESTS,
    ),
    Mutant(
        "a station lost late stops the wave that runs",
        "migrate/engine/gates.py",
        "for n in self._outline.waves if n <= number]",
        "for n in self._outline.waves if n == number]",
        ("tests/engine/test_come_and_go.py",),
    ),
    # the way back
    Mutant("a rollback stops a kind that fails", BACK, "if count > policy.max_failed}", "if False}", BACK_TESTS),
    Mutant(
        "a lost one stops the rollback", BACK, "shut=shut if lost > policy.max_lost", "shut=shut if False", BACK_TESTS
    ),
    Mutant(
        "an older order's failures are acknowledged",
        BACK,
        "if newest is not None and a.entered_at >= newest)",
        "if True)",
        BACK_TESTS,
    ),
    Mutant(
        "a profile is proven by E3",
        BACK,
        "_PROVEN = frozenset({State.CONFIRMED, State.SETTLED})",
        "_PROVEN = frozenset({State.ARRIVED, State.CONFIRMED, State.SETTLED})",
        BACK_TESTS,
    ),
    Mutant("nobody lost is taken back", ORDERED, "if attempt.state is State.LOST:", "if False:", BACK_TESTS),
    Mutant("nobody under way is taken back", ORDERED, "if attempt.state in IN_FLIGHT:", "if False:", BACK_TESTS),
    Mutant(
        "a lost station is not retried",
        ORDERED,
        "if attempt.state in (State.STUCK, State.LOST):",
        "if False:",
        BACK_TESTS,
    ),
    Mutant("the slot in use is never written", UNIT, "if write.key not in slots and", "if", BACK_TESTS),
    Mutant(
        "what stays is not undone",
        UNIT,
        "w.old != w.new and not w.stays]",
        "w.old != w.new]",
        ("tests/domain/test_filling.py",),
    ),
    Mutant(
        "no station is downgraded",
        "batches/flashing.py",
        "if is_downgrade(current, step) and not firmware.allows_downgrade:",
        "if False:",
        ("tests/batches/test_flashing.py",),
    ),
    Mutant(
        "another device is an incident",
        "batches/hands.py",
        "EventKind.INCIDENT, attempt,",
        "EventKind.SNAPSHOT, attempt,",
        ("tests/batches/test_doors.py",),
    ),
    Mutant(
        "a lost rollback is not void",
        "migrate/domain/record.py",
        "and not (self.state is State.SKIPPED and self.left)",
        "",
        ("tests/adapters/journal/test_journal_contract.py",),
    ),
    Mutant(
        "one that came back by itself is not taken for taken back",
        "batches/reading.py",
        "return is_waiting and sighting.side",
        "return False and sighting.side",
        ("tests/engine/test_way_back_at_odds.py",),
    ),
    Mutant(
        "a run brings back what was ordered, its gate shut or not",
        "migrate/engine/rest.py",
        "if not self._lookout.driven and _summed(map(self._of, back)):",
        "if True:",
        ("tests/engine/test_way_back_at_odds.py",),
    ),
    Mutant(
        "a few go back first",
        "migrate/engine/brake.py",
        "if self._rollbacks.may_go_first(",
        "if True or self._rollbacks.may_go_first(",
        ("tests/engine/test_way_back.py",),
    ),
    Mutant(
        "a halt holds a rollback",
        "batches/errand.py",
        "if errand.direction is Direction.FORWARD else self.forbids_intent(errand)",
        "if errand.direction is Direction.FORWARD else None",
        ("tests/engine/test_way_back.py", "tests/batches/test_acts.py"),
    ),
    Mutant(
        "what was refused is not in doubt", RECOVERY, "keys.discard(key)\n    return", "pass\n    return", BACK_TESTS
    ),
    Mutant("a restart ends the doubt", RECOVERY, "keys.clear()", "pass", BACK_TESTS),
    Mutant(
        "a profile that is ignored is stopped",
        GATE,
        "if count > policy.max_without_effect}",
        "if False}",
        ("tests/engine/test_campaign.py", *BACK_TESTS),
    ),
    Mutant(
        "what no bench has seen stays with the canary",
        "batches/checks.py",
        "if profile.proof in (Proof.BENCH, Proof.FIELD) or",
        "if True or",
        ("tests/batches/test_checks.py",),
    ),
    Mutant(
        "one refused at the door is not missed",
        "batches/deadlines.py",
        "attempt.state is State.ARRIVED and attempt.evidence > Grade.E0",
        "attempt.state is State.ARRIVED",
        ("tests/batches/test_deadlines.py", "tests/batches/test_driver.py"),
    ),
    Mutant(
        "who was being checked when its model was stopped is not begun",
        ACTS,
        "if stopped := self._fence.quarantine(self._errand):",
        "if stopped := None:",
        ACTS_TESTS,
    ),
    # orders, crashes and clocks
    Mutant(
        "an intent is judged by the orders of its own moment",
        "batches/errand.py",
        "if hold := self.forbids_intent(errand):",
        "if hold := None:",
        CONDUCTOR_TESTS,
    ),
    Mutant(
        "what a dead process read is read again",
        ACTS,
        "        if self._is_inherited:",
        "        if False:",
        ACTS_TESTS,
    ),
    Mutant(
        "a dead night's work waits for its window",
        ACTS,
        "        return self._is_belated\n",
        "        return False\n",
        ACTS_TESTS,
    ),
    Mutant(
        "what never went out was no try",
        ACTS,
        "if not error.sent:  # on",
        "if False:  # on",
        ACTS_TESTS,
    ),
    Mutant(
        "a soak that nobody watched is none",
        WATCH,
        "            watched.look(now, can_see=self._ports.witness.sees(side))",
        "            pass",
        WATCH_TESTS,
    ),
    Mutant(
        "a soak is watched on the side that counts",
        WATCH,
        "can_see=self._ports.witness.sees(side))",
        "can_see=can_see)",
        WATCH_TESTS,
    ),
    Mutant(
        "no gate opens by a soak that was slept through",
        "migrate/engine/gates.py",
        "        self._watched.look(",
        "        str(",
        CAMPAIGN_TESTS,
    ),
    Mutant(
        "an incident survives a change that is turned away",
        HANDS,
        "self._answers = [*told, *self._answers]",
        "pass",
        ("tests/batches/test_doors.py",),
    ),
    Mutant(
        "a run under a name that dbos knows counts on",
        "migrate/engine/process.py",
        "while await self._durable.is_over(name):",
        "if await self._durable.is_over(name):",
        ("tests/chaos/test_dispatch.py",),
    ),
    # every way
    Mutant(
        "no firmware step is jumped over",
        "migrate/domain/firmware.py",
        "return next(later, wanted)",
        "return wanted",
        ("tests/domain/test_firmware_steps.py",),
    ),
    Mutant(
        "what is under way is not ordered twice",
        "batches/flashing.py",
        "if not self._is_under_way(transfer(attempt.id, step, told.events), firmware):",
        "if True:",
        FLASHING_TESTS,
    ),
    Mutant(
        "so many load at once and no more",
        "batches/transfers.py",
        "asyncio.Semaphore(at_once)",
        "asyncio.Semaphore(10**6)",
        ("tests/batches/test_transfers.py",),
    ),
    Mutant(
        "no firmware is ordered once others have come to harm",
        HANDS,
        "if why := self._fence.harm(self._errand):",
        'if why := "":',
        ("tests/batches/test_conductor.py", "tests/batches/test_harm.py"),
    ),
    Mutant(
        "no window of ten seconds holds more than it is worth",
        "migrate/adapters/files/budget.py",
        "if self._slices and self._given + count > self._most:",
        "if False:",
        ("tests/adapters/files/test_budget.py",),
    ),
    Mutant(
        "a file with another checksum is served to nobody",
        "migrate/adapters/files/store.py",
        "if digest.hexdigest() != entry.sha256:",
        "if False:",
        ("tests/adapters/files/test_store.py",),
    ),
    Mutant(
        "a changed host key is refused",
        "migrate/adapters/channels/ssh/line.py",
        "if trusted.get(key.kind) != key:",
        "if False:",
        ("tests/adapters/ssh",),
    ),
    Mutant(
        "no name is changed by a profile that cannot",
        "migrate/domain/filling.py",
        "if goal.is_renamed and not any(",
        "if False and not any(",
        ("tests/domain/test_filling.py",),
    ),
    Mutant(
        "a slot that somebody dials is not taken for a free one",
        "migrate/domain/slots.py",
        "unused = [key for key in others if key not in ordered]",
        "unused = others",
        ("tests/domain/test_filling.py",),
    ),
    Mutant(
        "E3: no less secure than planned",
        EVIDENCE,
        "sighting.security < terms.security:",
        "False:",
        EVIDENCE_TESTS,
    ),
    Mutant("E3: under its planned name", EVIDENCE, "sighting.name != terms.name:", "False:", EVIDENCE_TESTS),
    Mutant(
        "whom a check leaves out is not begun",
        "migrate/engine/brake.py",
        "return Stopped(reason=why, deferral=Deferral.CHECKS) if why else None",
        "return None",
        ("tests/engine/test_foresight.py",),
    ),
    Mutant(
        "a wave that a check stops begins nobody",
        "migrate/engine/brake.py",
        "        if forecast.stops:",
        "        if False:",
        ("tests/engine/test_brake.py",),
    ),
    Mutant(
        "a no after something was taken is no refusal",
        "batches/finisher.py",
        "return Ended.UNKNOWN if self._has_written else Ended.REFUSED",
        "return Ended.REFUSED",
        ("tests/batches/test_finisher.py",),
    ),
    Mutant(
        "one way is lost by what was begun and never ended",
        "batches/finishing.py",
        "        lost.setdefault(identity, step)",
        "        pass",
        ("tests/batches/test_finishing.py",),
    ),
    Mutant(
        "one of a profile ends well before others follow",
        "batches/finish_order.py",
        "ended.is_well:",
        "ended is not Ended.NOT_NOW:",
        ("tests/batches/test_finish_order.py",),
    ),
)
