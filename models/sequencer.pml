/*
 * The sequencer: every committed leaf gets one position, positions are dense, and a tree never forks.
 *
 * Models `index` in stores/postgres/sequencer.ts, `held` in stores/postgres/leadership.ts, and tables `audit_leaves`
 * and `audit_heads` in stores/postgres/migrations/0003_audit.sql. It leaves out what else stands in the way of a second
 * sequencer: the lock on the head's row, `seq is null` where positions are written, the keys of positions and nodes,
 * and the trigger on leaves. So what holds rests on three things alone: the head is read before the leaves, its update
 * is conditional on its size, and positions and head are one transaction.
 *
 * Bounds: one tenant; four leaves of four transactions, one of which may roll back; an id is taken when its leaf is
 * written, and leaves commit in any order; batches of at most two; two sequencers; leadership that moves twice, at any
 * time, also in the middle of a batch; each sequencer may die once in the middle of a transaction.
 *
 * no_leaf_twice: a leaf stands at one position. dense: a head of size n holds a leaf at each of 0 to n - 1, where the
 * leaf's row says so, and no row says more. heads_grow: a head is followed by a larger one that begins with the same
 * leaves. cause_first: a leaf that was written when another had committed comes after it. no_leaf_lost: every committed
 * leaf gets its position.
 *
 * model keeps no_leaf_twice dense heads_grow cause_first: without deadlock.
 * model LIVE keeps no_leaf_lost: in every fair run, with three leaves.
 * twin NO_SIZE breaks heads_grow: a former leader puts its own head over that of the new one.
 * twin HEAD_AFTER_LEAVES breaks no_leaf_twice: leaves that were read before the head may be under it already.
 * twin TWO_TRANSACTIONS breaks dense: who dies between positions and head leaves positions that no head holds.
 * twin UNORDERED breaks cause_first: a batch that does not take the lowest ids first turns cause and consequence round.
 * twin LIVE HIGHEST_ID breaks no_leaf_lost: who goes on from the highest id under the head never looks at a lower one
 *   that commits later.
 */
#include "must.h"
bool no_leaf_twice = true, dense = true, heads_grow = true, cause_first = true;

#ifdef LIVE
#define LEAVES 3
#else
#define LEAVES 4
#endif
#define BATCH 2
#define NOWHERE 255

/* Leaves by id, from 0: which are written, committed, rolled back, held; where their rows say they stand. */
byte ids;
bool committed[LEAVES], gone[LEAVES], held[LEAVES];
byte position[LEAVES] = NOWHERE;
/* The head: its size, and the leaves its root is over. */
byte size, tree[LEAVES];
byte leader;
/* What nobody in the system knows: whether leaf 0 and leaf 1 had committed when leaf 2 was written. */
bool caused_by_0, caused_by_1;

proctype Writers() {
end:
  do
  :: atomic { ids == 2 -> caused_by_0 = committed[0]; caused_by_1 = committed[1]; ids++ }
  :: atomic { ids < LEAVES && ids != 2 -> ids++ }
  :: atomic { ids > 0 && !committed[0] -> committed[0] = true }
  :: atomic { ids > 1 && !committed[1] && !gone[1] -> committed[1] = true }
  :: atomic { ids > 1 && !committed[1] && !gone[1] -> gone[1] = true }
  :: atomic { ids > 2 && !committed[2] -> committed[2] = true }
#ifndef LIVE
  :: atomic { ids > 3 && !committed[3] -> committed[3] = true }
#endif
  od
}

#ifdef HIGHEST_ID
#define MAY_TAKE(id) (committed[id] && position[id] == NOWHERE && id >= from)
#else
#define MAY_TAKE(id) (committed[id] && position[id] == NOWHERE)
#endif

proctype Sequencer(byte me) {
  byte base, count, batch[BATCH], id, other;
  bool died;
#ifdef HIGHEST_ID
  byte from;
#endif
again:
  leader == me;
#ifndef HEAD_AFTER_LEAVES
  base = size;
#endif
  atomic {
    do
    :: id == LEAVES || count == BATCH -> break
    :: id < LEAVES && count < BATCH && !MAY_TAKE(id) -> id++
    :: id < LEAVES && count < BATCH && MAY_TAKE(id) -> batch[count] = id; count++; id++
#ifdef UNORDERED
    :: id < LEAVES && count < BATCH && MAY_TAKE(id) -> id++
#endif
    od;
    id = 0;
    if
    :: count == 0 -> base = 0; goto again
    :: else
    fi
  }
#ifdef HEAD_AFTER_LEAVES
  base = size;
#endif
  /* The rows are held from here until the end of the transaction. */
  atomic {
    !held[batch[0]] && (count == 1 || !held[batch[1]]) ->
    held[batch[0]] = true;
    held[batch[1]] = held[batch[1]] || count == 2
  }
#ifdef TWO_TRANSACTIONS
  d_step {
    position[batch[0]] = base;
    if
    :: count == 2 -> position[batch[1]] = base + 1
    :: else
    fi
  }
#endif
  if
  :: atomic { !died -> died = true; goto rolled_back }
  :: atomic {
#ifndef NO_SIZE
       if
       :: size != base -> goto rolled_back
       :: size == base
       fi;
#endif
       /* Head and positions, and the commit. */
       must(heads_grow, base + count > size && base <= size);
       do
       :: id < count ->
          other = 0;
          do
          :: other < base -> must(no_leaf_twice, tree[other] != batch[id]); other++
          :: else -> break
          od;
          tree[base + id] = batch[id];
          position[batch[id]] = base + id;
          id++
       :: else -> break
       od;
       size = base + count;
       id = 0;
       do
       :: id < size -> must(dense, position[tree[id]] == id); id++
       :: else -> break
       od;
       id = 0;
       do
       :: id < LEAVES -> must(dense, position[id] == NOWHERE || position[id] < size); id++
       :: else -> break
       od;
#ifdef HIGHEST_ID
       from = tree[size - 1] + 1;
#endif
       must(cause_first, position[2] == NOWHERE || ((!caused_by_0 || position[0] < position[2])
         && (!caused_by_1 || position[1] < position[2])))
     }
  fi;
rolled_back:
  atomic {
    id = 0; other = 0;
    held[batch[0]] = false;
    held[batch[1]] = held[batch[1]] && count == 1 && batch[0] != batch[1];
    count = 0; base = 0; batch[0] = 0; batch[1] = 0;
    goto again
  }
}

proctype Leadership() {
  leader = 1;
  leader = 0
}

init {
  atomic {
    run Writers();
    run Sequencer(0);
    run Sequencer(1);
    run Leadership()
  }
}

#ifdef LIVE
#define SETTLED(id) (gone[id] || (committed[id] && position[id] != NOWHERE))
ltl no_leaf_lost { <> (SETTLED(0) && SETTLED(1) && SETTLED(2)) }
#endif
