/*
 * Claim and outcome: one effect in the world, however often its step is tried, and an end for every claim.
 *
 * Models `perform` and `attempt` in activities/guard.ts, `end_operation` in
 * stores/postgres/migrations/0009_outcomes.sql, table `claims` in stores/postgres/migrations/0002_operations.sql and
 * `CLAIM_TRANSITIONS` in domain/lifecycle.ts. Of the transactional kind it leaves out the row lock that `read_pass`
 * takes, so that what holds rests on the unique claim alone. Kinds keyed (conditional is as keyed: its target refuses
 * what is there) and blind are activities/outside.ts, activities/conclude.ts and activities/reconcile.ts, with
 * `claim_effect` and `dispatch_again` in stores/postgres/migrations/0012_outside.sql.
 *
 * Bounds: one operation of any kind; three tries at once, which are the first, its retry, and that of a second run
 * after a reset; each dies or loses its connection wherever it likes; at most three requests; a network that delays and
 * loses requests and replies; a target that applies or refuses; the lease ends at any time, and so does the target's
 * memory of a key, once nothing is on its way.
 *
 * one_effect: the world sees at most one. failed_is_none: an operation that ended failed has none, nor will have.
 * committed_is_one: one that ended committed has its effect. end_stays: the end of a claim never changes. claim_ends: a
 * claim that was dispatched ends as committed, failed or unknown, and one that was made never stays.
 *
 * model keeps one_effect failed_is_none committed_is_one end_stays claim_was_ended: for all kinds, without deadlock.
 * model LIVE keeps claim_ends: in every fair run, also when reconcile dies and starts again.
 * twin NO_UNIQUE_CLAIM breaks one_effect: two tries that both found no claim both do it.
 * twin BLIND_RETRY breaks one_effect: a lost reply does not say that nothing was done.
 * twin RECONCILE_RESETS breaks one_effect: a claim whose lease is over may have had its effect; claimed again, it has
 *   two.
 * twin RETRY_PAST_LEASE breaks one_effect: a key protects only as long as its target remembers it.
 * twin ABSENCE_IS_FAILURE breaks failed_is_none: what a probe does not find may still be on its way.
 * twin OUTCOME_OVERWRITES breaks end_stays: a late reply changes what a receipt said.
 * twin LIVE NO_RECONCILE breaks claim_ends: nobody ends what a dead worker dispatched.
 */
#ifdef LIVE
#define TRIES 2
#else
#define TRIES 3
#endif
#define MOST_TRIES 3
#define MAX_REQUESTS 3

#include "must.h"

bool one_effect = true, failed_is_none = true, committed_is_one = true, end_stays = true, claim_was_ended = true;

mtype:kind = { transactional, keyed, blind };
mtype:kind kind;

/* The claim's row, and whether its lease is over. */
mtype:claim = { none, claimed, dispatched, committed, failed, unknown };
mtype:claim claim = none;
bool lease_over;
#define ENDED (claim == committed || claim == failed || claim == unknown)
#define OPEN (claim == claimed || claim == dispatched)

/* Each try's request with its answer; requests nobody waits for any more; what the target did and remembers. */
mtype:request = { nothing, on_its_way, applied, refused };
mtype:request request[MOST_TRIES] = nothing;
mtype:request remembered = nothing;
byte requests, strays, effects, at_work;
#define NOTHING_ON_ITS_WAY \
  (strays == 0 && request[0] != on_its_way && request[1] != on_its_way && request[2] != on_its_way)

/* A conditional update: an end is written once. */
inline record(outcome) {
#ifdef OUTCOME_OVERWRITES
  must(end_stays, !ENDED || claim == outcome);
#else
  if
  :: ENDED
  :: !ENDED ->
#endif
     claim = outcome;
     must(failed_is_none, claim != failed || effects == 0);
     must(committed_is_one, claim != committed || effects == 1)
#ifndef OUTCOME_OVERWRITES
  fi
#endif
}

inline arrive(answer) {
  if
  :: kind == keyed && remembered != nothing -> answer = remembered
  :: kind != keyed || remembered == nothing -> answer = refused; remembered = refused
  :: kind != keyed || remembered == nothing ->
     answer = applied; remembered = applied;
     effects++;
     must(one_effect, effects <= 1);
     must(failed_is_none, claim != failed)
  fi
}

proctype Try(byte t) {
  mtype:request answer = nothing;
  if
  :: kind != transactional -> goto leaves
  :: kind == transactional && claim != none -> goto done /* Its receipt answers. */
  :: kind == transactional && claim == none
  fi;

  /* Effect, claim, receipt and end in one commit. A second claim of the operation rolls everything back. */
  if
  :: atomic {
       if
#ifndef NO_UNIQUE_CLAIM
       :: claim != none -> goto done
       :: claim == none ->
#else
       :: true ->
#endif
          effects++;
          must(one_effect, effects <= 1);
          claim = committed
       fi
     }
  :: atomic { claim == none -> record(failed) } /* The world refused it, and the guard ran again to record that. */
  :: skip /* Dead before the commit. */
  fi;
  goto done;

leaves:
#ifdef NO_UNIQUE_CLAIM
  if
  :: claim == none -> skip; claim = dispatched; goto send
  :: claim != none -> goto found
  fi;
#else
  if
  :: atomic { claim == none -> claim = claimed; lease_over = false }
  :: claim != none
  :: goto done
  fi;
  if
  :: atomic { claim == claimed -> claim = dispatched; goto send }
  :: claim != claimed
  :: goto done
  fi;
#endif

found:
  if
  :: claim == dispatched && kind == keyed -> goto send
#ifdef BLIND_RETRY
  :: claim == dispatched && kind == blind -> goto send
#else
  :: claim == dispatched && kind == blind -> goto done /* Never a second time: reconcile ends it. */
#endif
  :: claim != dispatched -> goto done
  fi;

send:
  if
#ifdef RETRY_PAST_LEASE
  :: atomic { requests < MAX_REQUESTS -> requests++; request[t] = on_its_way }
#else
  :: atomic { !lease_over && requests < MAX_REQUESTS -> requests++; request[t] = on_its_way }
#endif
  :: lease_over || requests == MAX_REQUESTS -> goto done
  :: goto done
  fi;
  if
  :: atomic { request[t] == applied || request[t] == refused -> answer = request[t]; request[t] = nothing }
  :: atomic { true -> strays = strays + (request[t] == on_its_way); request[t] = nothing }
     /* No reply by the deadline. */
#ifndef BLIND_RETRY
     if
     :: kind == keyed -> goto found
     :: kind == blind
     fi
#else
     goto found
#endif
  :: atomic { true -> strays = strays + (request[t] == on_its_way); request[t] = nothing; goto done } /* Dead. */
  fi;

  if
  :: atomic { answer == applied -> record(committed) }
  :: atomic { answer == refused -> record(failed) }
  :: atomic { answer == nothing -> record(unknown) }
  :: skip /* Dead between the answer and its row. */
  fi;

done:
  atomic { answer = nothing; at_work-- }
}

/* Delivers in any order, and loses what nobody waits for. */
proctype Target() {
  mtype:request answer = nothing;
end:
  do
  :: atomic { request[0] == on_its_way -> arrive(request[0]) }
  :: atomic { request[1] == on_its_way -> arrive(request[1]) }
  :: atomic { request[2] == on_its_way -> arrive(request[2]) }
  :: atomic { strays > 0 -> strays--; arrive(answer); answer = nothing }
  :: atomic { strays > 0 -> strays-- }
  :: atomic { kind == keyed && remembered != nothing && lease_over && NOTHING_ON_ITS_WAY -> remembered = nothing }
  od
}

proctype Lease() {
end:
  do
  :: atomic { OPEN && !lease_over -> lease_over = true }
  od
}

proctype Reconcile() {
  mtype:request found = nothing;
  bool died;
  do
  :: atomic { claim == claimed && lease_over -> record(failed) } /* Nothing was sent, and now nothing will be. */
  :: claim == dispatched && lease_over ->
     found = (kind == keyed -> remembered : nothing);
     if
     :: atomic { found == applied -> record(committed) }
     :: atomic { found == refused -> record(failed) }
     :: atomic {
          found == nothing ->
#if defined(RECONCILE_RESETS)
          claim = claimed; lease_over = false
#elif defined(ABSENCE_IS_FAILURE)
          record(failed)
#else
          record(unknown)
#endif
        }
     :: atomic { !died -> died = true } /* Dead after it asked, and started again. */
     fi;
     found = nothing
  :: atomic { at_work == 0 && !OPEN -> break }
  od;
  (NOTHING_ON_ITS_WAY);
  atomic {
    must(claim_was_ended, claim == none || ENDED);
    must(failed_is_none, claim != failed || effects == 0);
    must(committed_is_one, claim != committed || effects == 1)
  }
}

init {
  byte t;
  atomic {
    if
    :: kind = transactional
    :: kind = keyed
    :: kind = blind
    fi;
    at_work = TRIES;
    do
    :: t < TRIES -> run Try(t); t++
    :: else -> break
    od;
    run Target();
    run Lease();
#ifndef NO_RECONCILE
    run Reconcile()
#endif
  }
}

#ifdef LIVE
ltl claim_ends { [] (OPEN -> <> ENDED) }
#endif
