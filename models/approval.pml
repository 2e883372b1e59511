/*
 * Approval: an effect only with a quorum of distinct persons, in time, and never after a recorded no or cancel.
 *
 * Models `waitForPeople` in workflows/waiting.ts, `decide` in workflows/operation.ts, `resumeAndGuard` in
 * activities/at-once.ts, `judge` in activities/judge.ts, `signedVotes` and `soundVotes` in activities/vote-rows.ts,
 * `approvalState` in domain/approval.ts, and `mark_pending`, `admit_vote`, `cancel_operation` and `end_operation` in
 * stores/postgres/migrations/0009_outcomes.sql. `read_pass` of stores/postgres/migrations/0008_facts.sql holds the
 * operation's row for the guard until it commits. The model counts
 * rows of votes and leaves out that `approvalState` counts a person once more: what holds rests on the rows' key alone.
 *
 * Bounds: one operation that needs two persons; one person who says yes with two principals, one who says yes and one
 * who says no, and these two may lose the right to vote at any time; each votes by route at any time, early and late,
 * or never; a yes and the no also come by raw signal, as often as they like; one cancel; a deadline that passes at any
 * time; two runs at once, the second after a reset; one guard that dies before it commits.
 *
 * only_with_quorum: two persons said yes who might still vote when the guard looked. deny_is_final and
 * cancel_is_obeyed: no effect commits after a no, or a cancel, that was committed before. never_late: the guard of an
 * effect read the database's time before the deadline. one_end: the operation ends once, and with its effect only as
 * executed. run_ends: every operation ends, answered or not.
 *
 * model keeps only_with_quorum deny_is_final cancel_is_obeyed never_late one_end: without deadlock.
 * model LIVE keeps run_ends: in every fair run.
 * twin COUNT_ARRIVALS breaks only_with_quorum: a signal that comes twice is two, and one that was refused is one.
 * twin PER_PRINCIPAL breaks only_with_quorum: rows that are unique for a principal count a person twice.
 * twin NO_RECHECK breaks deny_is_final: somebody says no between the run's reading and the guard's.
 * twin NO_OF_THE_GONE breaks deny_is_final: the no of a person who has since lost the right to vote is left out.
 * twin NO_ROW_LOCK breaks cancel_is_obeyed: a cancel commits between the guard's reading and its effect.
 * twin NO_DEADLINE breaks never_late: the votes were in time, and the guard is not.
 * twin LIVE NO_TIMER breaks run_ends: nobody answers, and nothing wakes the run.
 */
#include "must.h"
bool only_with_quorum = true, deny_is_final = true, cancel_is_obeyed = true, never_late = true, one_end = true;

#define QUORUM 2
/* Principals 0 and 1 are one person's, 2 is another's, and 3 is of the person who says no. */
#define SAYS_NO 3

mtype:status = { evaluating, pending, executed, denied, expired, cancelled, failed };
mtype:status status = evaluating;
#define ENDED (status != evaluating && status != pending)

/* Rows: who voted, who of 2 and 3 has lost the right to, a cancel. And whether a guard holds the operation's row. */
bool voted[4], yes_is_gone, no_is_gone, cancel, held;
/* Signals on their way, time, a guard that died, and what the world saw. */
bool signal_of_yes, signal_of_no, overdue, died, effect;

#ifdef NO_ROW_LOCK
#define ROW_IS_FREE true
#else
#define ROW_IS_FREE (!held)
#endif

/* admit_vote refuses what is early, what is late, and a second vote of a person. */
#define IN_TIME (status == pending && !overdue)
#ifdef PER_PRINCIPAL
#define FIRST(principal) (!voted[principal])
#else
#define FIRST(principal) (!voted[principal] && (principal > 1 || (!voted[0] && !voted[1])))
#endif

/* Whoever waits counts every yes; the guard counts those that still stand. */
#define HEARD_ENOUGH (voted[0] + voted[1] + voted[2] >= QUORUM)
#define APPROVED (voted[0] + voted[1] + (voted[2] && !yes_is_gone) >= QUORUM)
#ifdef NO_OF_THE_GONE
#define REFUSED (voted[SAYS_NO] && !no_is_gone)
#else
#define REFUSED voted[SAYS_NO]
#endif

/* Everybody but the system: votes by route, signals, a cancel, lost rights. Each is one transaction, or none. */
proctype World() {
end:
  do
  :: atomic { ROW_IS_FREE && IN_TIME && FIRST(0) -> voted[0] = true }
  :: atomic { ROW_IS_FREE && IN_TIME && FIRST(1) -> voted[1] = true }
  :: atomic { ROW_IS_FREE && IN_TIME && FIRST(2) -> voted[2] = true }
  :: atomic { ROW_IS_FREE && IN_TIME && FIRST(SAYS_NO) -> voted[SAYS_NO] = true }
  :: atomic { !signal_of_yes && !ENDED -> signal_of_yes = true }
  :: atomic { !signal_of_no && !ENDED -> signal_of_no = true }
  :: atomic { ROW_IS_FREE && !ENDED && !cancel -> cancel = true }
  :: atomic { !no_is_gone -> no_is_gone = true }
  :: atomic { !yes_is_gone -> yes_is_gone = true }
  :: break /* And nobody does anything any more. */
  od
}

proctype Time() {
  overdue = true
}

proctype Run() {
  mtype:status how;
  bool late, may_vote;
#ifdef COUNT_ARRIVALS
  byte heard;
#define HEARD heard = heard + (heard < QUORUM)
#define MAY_GO (heard >= QUORUM)
#else
#define HEARD skip
#define MAY_GO HEARD_ENOUGH
#endif
  atomic {
    ROW_IS_FREE ->
    if
    :: status == evaluating -> status = pending
    :: else
    fi
  }

waits:
  /* What arrives only wakes the run: a vote in a signal is admitted to its row, or refused. */
  if
  :: signal_of_yes ->
     /* It may be the last one: then the step that goes on is tried first, and does if the rows say so. */
     if
     :: atomic { ROW_IS_FREE && !ENDED && !REFUSED && HEARD_ENOUGH -> goto guard }
     :: true
     fi;
     atomic {
       ROW_IS_FREE ->
       if
       :: signal_of_yes -> signal_of_yes = false; HEARD; voted[0] = voted[0] || (IN_TIME && FIRST(0))
       :: else /* The other run heard it. */
       fi
     }
  :: atomic { signal_of_no && ROW_IS_FREE -> signal_of_no = false; voted[SAYS_NO] = voted[SAYS_NO] || IN_TIME }
#ifndef NO_TIMER
  :: overdue
#endif
  :: cancel
  :: ENDED
  fi;
  /* Then it looks at the rows. */
  atomic {
    if
    :: REFUSED -> how = denied; goto ends
    :: !REFUSED && MAY_GO
    :: !REFUSED && !MAY_GO && cancel -> how = cancelled; goto ends
    :: !REFUSED && !MAY_GO && !cancel && overdue -> how = expired; goto ends
    :: !REFUSED && !MAY_GO && !cancel && !overdue -> goto waits
    fi
  }

guard:
  /* One transaction, which holds the row from its first reading until its end. */
  atomic {
    !held -> late = overdue; may_vote = !yes_is_gone;
    if
    :: ENDED -> goto done
    :: !ENDED && cancel -> how = cancelled; goto ends
#if !defined(NO_RECHECK) && !defined(COUNT_ARRIVALS)
    :: !ENDED && !cancel && REFUSED -> how = denied; goto ends
    :: !ENDED && !cancel && !REFUSED && !APPROVED -> how = failed; goto ends
    :: !ENDED && !cancel && !REFUSED && APPROVED
#else
    :: !ENDED && !cancel
#endif
    fi;
    if
#ifndef NO_DEADLINE
    :: late -> how = expired; goto ends
    :: !late -> held = true
#else
    :: held = true
#endif
    fi
  }
  if
  :: atomic {
       must(only_with_quorum, voted[2] && may_vote && (voted[0] || voted[1]));
       must(deny_is_final, !voted[SAYS_NO]);
       must(cancel_is_obeyed, !cancel);
       must(never_late, !late);
       must(one_end, !ENDED && !effect);
       effect = true; status = executed; held = false; goto done
     }
  :: atomic { !died -> died = true; held = false; goto guard } /* Dead before the commit, and tried again. */
  fi;

ends:
  /* end_operation: what has ended already stays as it is. */
  atomic {
    ROW_IS_FREE ->
    if
    :: ENDED
    :: else -> status = how
    fi
  }
done:
  atomic { must(one_end, ENDED && effect == (status == executed)) }
}

init {
  atomic {
    run World();
    run Time();
    run Run();
    run Run()
  }
}

#ifdef LIVE
ltl run_ends { <> ENDED }
#endif
