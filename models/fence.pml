/*
 * The kill fence: nothing starts after a stop was acknowledged, and a stop outlives what was asked for before it.
 *
 * Models `fence` and `read_pass` in stores/postgres/migrations/0008_facts.sql, `guarded` in
 * stores/postgres/operations.ts, `stop_switch` and `drain_switch` in stores/postgres/migrations/0010_switches.sql,
 * `next_switch_epoch` in stores/postgres/migrations/0004_controls.sql, `resume` in stores/postgres/controls.ts and
 * `replaceSwitches` in stores/postgres/policy-sections.ts. Kinds WITHIN (conditional and keyed) and BLIND leave the
 * database: activities/outside.ts, with `fenced` of stores/postgres/operations.ts. The session that claims shares the fence
 * until the outcome is written or the lease is over.
 *
 * Bounds: one guard of each kind, each taking operation after operation for ever and dying wherever it likes; one stop
 * of the tenant, one of the platform, and one resume, asked for at any time. SWITCHES looks at switches alone: a tenant
 * that begins stopped, a resume, a policy that wants it running, and a stop. PostgreSQL grants locks in the order they
 * were asked for, and ends the transactions of a session that is gone.
 *
 * no_late_effect: between an acknowledge and the resume of its scope no transactional, conditional or keyed effect
 * starts, and no transactional one commits. all_may_land_is_listed: a blind effect that starts, or any that lands,
 * after an acknowledge is of an operation that the acknowledge listed. no_undone_stop: a resume or a policy that was
 * asked for before a stop does not set its switch running. stop_is_acknowledged: every stop is, however many guards
 * come and go.
 *
 * model keeps no_late_effect all_may_land_is_listed no_undone_stop: for all kinds, without deadlock.
 * model SWITCHES keeps no_undone_stop: in any order of the three.
 * model LIVE keeps stop_is_acknowledged: two transactional guards that do not die, and a scheduler that is weakly fair.
 * twin READ_BEFORE_LOCK breaks no_late_effect: switches read in the statement that asks for the locks are those of
 *   before.
 * twin LET_GO_BEFORE_COMMIT breaks no_late_effect: the effect commits when the drain has already passed.
 * twin ONE_SCOPE breaks no_late_effect: a guard that shares its tenant's lock alone does not hold up the platform's
 *   stop.
 * twin NO_DRAIN breaks no_late_effect: a stop that is acknowledged when its row is committed comes too early.
 * twin LET_GO_AT_CLAIM breaks no_late_effect: an effect that leaves the database is sent after its claim let the fence
 *   go.
 * twin NO_DEADLINE breaks no_late_effect: the lease ends, the drain passes, and the request is sent all the same.
 * twin PAUSE_BEFORE_SEND breaks no_late_effect: looking at the deadline and sending must be one step, by whoever sends;
 *   for kind blind it is not, and so its operations are listed and never promised.
 * twin NO_LIST breaks all_may_land_is_listed: an acknowledge that names no open claim hides what may still land.
 * twin SWITCHES EPOCH_BEFORE_LOCK breaks no_undone_stop: changes that take their epochs before they queue commit in
 *   another order, and a policy takes the stop that came after it for one that it has seen.
 * twin SWITCHES NO_EPOCH breaks no_undone_stop: a change that does not compare epochs undoes a stop that nobody voted
 *   on.
 * twin LIVE UNFAIR_LOCK breaks stop_is_acknowledged: where who shares may overtake who waits alone, as with row locks,
 *   sharers that overlap without end starve the stop.
 */
#define PLATFORM 0
#define TENANT 1

#define TRANSACTIONAL 0
#define WITHIN 1
#define BLIND 2
#ifdef LIVE
#define KINDS 2
#define KIND(g) TRANSACTIONAL
#else
#define KINDS 3
#define KIND(g) g
#endif

#include "must.h"
bool no_late_effect = true, all_may_land_is_listed = true, no_undone_stop = true;

/* Switch rows as committed, and the sequence of epochs. One lock spans taking an epoch and committing it: one step. */
bool stopped[2];
byte epoch[2], epochs_taken;

/* The fence: how many share it, and how many wait to have it alone. */
byte sharing[2], waiting[2];

/* What each guard's fence connection shares, its claim, and its lease. A request's deadline is never after the end of
   the lease: one instant stands for both. */
bool shares_platform[KINDS], shares_tenant[KINDS], claimed[KINDS];
mtype = { idle, in_time, over };
mtype lease[KINDS] = idle;

/* What the acknowledges said, and what nobody in the system knows: how many stops were committed. */
bool acknowledged[2], listed_by_platform[KINDS], listed_by_tenant[KINDS];
byte stops;

#ifdef UNFAIR_LOCK
#define MAY_SHARE(scope) true
#else
#define MAY_SHARE(scope) (waiting[scope] == 0)
#endif

inline share_platform(g) {
#ifdef ONE_SCOPE
  skip
#else
  atomic { MAY_SHARE(PLATFORM) -> sharing[PLATFORM]++; shares_platform[g] = true }
#endif
}
inline share_tenant(g) {
  atomic {
    MAY_SHARE(TENANT) -> sharing[TENANT]++; shares_tenant[g] = true;
    lease[g] = (KIND(g) == TRANSACTIONAL -> idle : in_time)
  }
}
inline let_go(g) {
  sharing[PLATFORM] = sharing[PLATFORM] - shares_platform[g];
  sharing[TENANT] = sharing[TENANT] - shares_tenant[g];
  shares_platform[g] = false;
  shares_tenant[g] = false
}

#define ANY_ACKNOWLEDGED (acknowledged[PLATFORM] || acknowledged[TENANT])
#define LISTED(g) ((!acknowledged[PLATFORM] || listed_by_platform[g]) && (!acknowledged[TENANT] || listed_by_tenant[g]))
#define ALL_RUNNING (!stopped[PLATFORM] && !stopped[TENANT])

proctype Guard(byte g) {
  bool allowed, sent;
again:
  /* Another operation. */
  atomic {
    let_go(g);
    allowed = false; sent = false; claimed[g] = false; lease[g] = idle;
    listed_by_platform[g] = false; listed_by_tenant[g] = false
  }
#ifdef READ_BEFORE_LOCK
  allowed = ALL_RUNNING;
#endif
  share_platform(g);
  share_tenant(g);
#ifndef READ_BEFORE_LOCK
  allowed = ALL_RUNNING;
#endif
  if
  :: !allowed -> goto again
  :: allowed && KIND(g) == TRANSACTIONAL -> goto transactional
#ifndef LIVE
  :: allowed && KIND(g) != TRANSACTIONAL -> goto leaves
  :: goto again /* Dead, and the server has ended its transaction. */
#endif
  fi;

transactional:
  atomic { must(no_late_effect, !ANY_ACKNOWLEDGED) }
#ifdef LET_GO_BEFORE_COMMIT
  d_step { let_go(g) }
#endif
  if
  :: atomic { must(no_late_effect, !ANY_ACKNOWLEDGED); goto again } /* Commit; the locks go with it. */
#ifndef LIVE
  :: goto again /* Dead before the commit: nothing happened. */
#endif
  fi;

#ifndef LIVE
leaves:
  /* The claim commits as dispatched; the session goes on sharing the fence. */
  claimed[g] = true;
#ifdef LET_GO_AT_CLAIM
  d_step { let_go(g) }
#endif
  if
#ifndef NO_DEADLINE
#ifdef PAUSE_BEFORE_SEND
  :: KIND(g) == WITHIN && lease[g] == in_time -> skip; atomic { must(no_late_effect, !ANY_ACKNOWLEDGED); sent = true }
#else
  :: atomic { KIND(g) == WITHIN && lease[g] == in_time -> must(no_late_effect, !ANY_ACKNOWLEDGED); sent = true }
#endif
  :: lease[g] != in_time -> goto outcome /* Too late: recorded as failed, since nothing was sent. */
#else
  :: atomic { KIND(g) == WITHIN -> must(no_late_effect, !ANY_ACKNOWLEDGED); sent = true }
#endif
  :: KIND(g) == BLIND && lease[g] == in_time ->
     /* A process may be held up here for as long as it pleases the machine. */
     atomic { must(all_may_land_is_listed, LISTED(g)); sent = true }
  :: goto dead
  fi;
  if
  :: atomic { must(all_may_land_is_listed, LISTED(g)); goto outcome } /* It lands, and the reply says so. */
  :: skip
  :: goto dead
  fi;

  /* The request is cut off at its deadline, and the claim stays on every list, dispatched or unknown. */
  lease[g] != in_time;
dead:
  /* The server ends a session whose process is gone. */
  atomic { let_go(g) }
  if
  :: atomic { sent -> must(all_may_land_is_listed, LISTED(g)) }
  :: goto again /* It was lost, or never sent. */
  fi;
  goto again;

outcome:
  atomic { claimed[g] = false; goto again }
#else
  skip
#endif
}

/* Time of a lease: when it is over the server ends the session that shares the fence, whatever its process does. */
proctype Clock(byte g) {
end:
  do
  :: d_step { lease[g] == in_time -> lease[g] = over; let_go(g) }
  od
}

proctype Stop(byte scope) {
  byte mine;
#ifdef EPOCH_BEFORE_LOCK
  atomic { epochs_taken++; mine = epochs_taken }
#endif
  atomic {
#ifndef EPOCH_BEFORE_LOCK
    epochs_taken = epochs_taken + (scope == TENANT); mine = epochs_taken;
#endif
    stopped[scope] = true; epoch[scope] = mine;
    stops = stops + (scope == TENANT)
  }
#ifndef NO_DRAIN
  waiting[scope]++;
#endif
  /* Alone; the list is read while it is. Two people may have resumed the scope meanwhile: nothing is promised then. */
  atomic {
#ifndef NO_DRAIN
    sharing[scope] == 0 -> waiting[scope]--;
#endif
    acknowledged[scope] = stopped[scope] && epoch[scope] == mine;
#if !defined(NO_LIST) && !defined(LIVE)
    if
    :: scope == PLATFORM -> listed_by_platform[WITHIN] = claimed[WITHIN]; listed_by_platform[BLIND] = claimed[BLIND]
    :: else -> listed_by_tenant[WITHIN] = claimed[WITHIN]; listed_by_tenant[BLIND] = claimed[BLIND]
    fi
#endif
  }
}

#ifndef LIVE
/* A governing action: asked for over what is seen, voted on for as long as it takes, done under the fence. */
proctype Loosen(bool is_policy) {
  byte seen, stops_then, mine;
  bool allowed;
  atomic { seen = epoch[TENANT]; stops_then = stops }
  atomic { MAY_SHARE(PLATFORM) -> sharing[PLATFORM]++ }
  atomic { MAY_SHARE(TENANT) -> sharing[TENANT]++ }
#ifdef EPOCH_BEFORE_LOCK
  atomic { epochs_taken++; mine = epochs_taken }
#endif
  atomic {
#ifndef EPOCH_BEFORE_LOCK
    epochs_taken++; mine = epochs_taken;
#endif
#ifdef NO_EPOCH
    allowed = true;
#else
    allowed = (is_policy && epoch[TENANT] <= seen) || epoch[TENANT] == seen;
#endif
    if
    :: allowed && stopped[TENANT] ->
       must(no_undone_stop, stops == stops_then);
       stopped[TENANT] = false;
       epoch[TENANT] = mine;
       acknowledged[TENANT] = false
    :: else
    fi;
    sharing[PLATFORM]--;
    sharing[TENANT]--
  }
}
#endif

init {
  byte g;
  atomic {
#ifdef SWITCHES
    epochs_taken = 1;
    epoch[TENANT] = 1;
    stopped[TENANT] = true;
    run Loosen(false);
    run Loosen(true);
    run Stop(TENANT)
#else
    do
    :: g < KINDS -> run Guard(g); g++
    :: else -> break
    od;
#ifndef LIVE
    run Loosen(false);
    run Stop(PLATFORM);
    run Clock(WITHIN);
    run Clock(BLIND);
#endif
    run Stop(TENANT)
#endif
  }
}

#ifdef LIVE
ltl stop_is_acknowledged { [] ((stops > 0) -> <> acknowledged[TENANT]) }
#endif
