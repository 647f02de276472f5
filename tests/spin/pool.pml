/* pool.pml: the pool's protocol on two nodes of two ranks, with two bundles.
 *
 * The words are those of docs/protocol.md ("The model" there says what is modelled and what is not) and of
 * src/core/directory.h. check.sh runs the scenarios, and the seeded bugs (-DBUG=n), which it lists.
 *
 * A step is what one process does without anybody seeing a state in between: one load or store of a shared
 * word, together with work on what is only its own or what nobody can tell the time of. A pin, the second look at
 * the word, the store that unlists and each load of a scan are steps of their own. On rank 0's node the agent
 * and the coordinator are one thread, so a command is applied there when it is sent.
 *
 * Times are not numbers: `checked` of a slot is the set of the node's ranks whose present get began before
 * the look. For max_staleness_ms = 0 that is the comparison which the code makes.
 */

/* Scenarios ------------------------------------------------------------------------------------------ */

/* What the ranks do: two digits each, first act and second */
#define END  0
#define GET  1 /* get A, release it */
#define GETB 2 /* get B, release it */
#define KEEP 3 /* get A, release it at the end */
#define INV  4 /* invalidate A */
#define ACTS(r)  (r == 0 -> R0 : (r == 1 -> R1 : (r == 2 -> R2 : R3)))
#define OP(r, k) (k == 0 -> ACTS(r) / 10 : (k == 1 -> ACTS(r) % 10 : END))

#define NEVER 0 /* max_staleness_ms < 0 */
#define SOME  1 /* > 0: a look may be recent enough, or not */
#define ZERO  2 /* = 0 */

#if defined(ROOM)         /* two bundles, room for one */
#define R0 10
#define R1 20
#define R2 10
#define R3 20
#define EXTENTS 1
#define SLOW_SCAN         /* a step for each load of a scan */
#elif defined(INVALIDATE)
#define R0 10
#define R1 40
#define R2 10
#define R3 10
#define EXTENTS 2
#elif defined(REWRITE)    /* the file is rewritten, perhaps while it is loaded, and invalidated */
#define R0 41
#define R1 0
#define R2 11
#define R3 0
#define EXTENTS 2
#define REWRITES 1
#elif defined(FRESH)      /* T = 0: every get looks or has a check made */
#define R0 10
#define R1 0
#define R2 10
#define R3 10
#define EXTENTS 2
#define STALENESS ZERO
#define REWRITES 1
#define ONE_LOAD
#elif defined(FORWARD)    /* T > 0: some gets have a check made; nobody goes back in time */
#define R0 11
#define R1 0
#define R2 11
#define R3 0
#define EXTENTS 2
#define STALENESS SOME
#define REWRITES 1
#define ONE_LOAD
#elif defined(FAULTY)     /* a load fails; ranks help, give up, and hold what others need */
#define R0 32
#define R1 0
#define R2 10
#define R3 0
#define EXTENTS 1
#define FAULTS 1
#define HELP
#define GIVE_UP
#endif

#ifndef BUG
#define BUG 0
#endif
#ifndef STALENESS
#define STALENESS NEVER
#endif
#ifndef REWRITES
#define REWRITES 0 /* of A's file */
#endif
#ifndef FAULTS
#define FAULTS 0 /* loads that fail: a read error, or a node that cannot hold the image */
#endif
#define MAX_BUNDLES EXTENTS

/* State -------------------------------------------------------------------------------------------- */

#define NODES  2
#define RANKS  4
#define SLOTS  3
#define MAXGEN 15
#define NONE   255
#define A      0
#define B      1
#define NODE(r) ((r) / 2)
#define BIT(x)  (1 << (x))
#define ALL     3 /* nodes */

/* The word of a slot. A load that failed because the file changed has a fill of its own. */
#define FREE    0
#define OPEN    1
#define FILL    2
#define READY   3
#define FAILED  4
#define CHANGED 5
#define WORD(g, f, l) ((g) * 16 + (f) * 2 + (l))
#define GEN(w)    ((w) / 16)
#define FILLED(w) (((w) / 2) % 8)
#define LISTED(w) ((w) % 2)
#define HAS(w, name) (LISTED(w) && name_of[GEN(w)] == (name))
#define COUNTS(w)    (LISTED(w) && (FILLED(w) == FILL || FILLED(w) == READY))

byte word[NODES * SLOTS];      /* written by the node's agent */
byte pin[RANKS * SLOTS];       /* written by the rank */
byte checked[NODES * SLOTS];   /* see above */
byte content[NODES * EXTENTS]; /* the generation whose bytes are complete there; 0: anything else */
#define W(n, s)       word[(n) * SLOTS + (s)]
#define PIN(r, s)     pin[(r) * SLOTS + (s)]
#define CHECKED(n, s) checked[(n) * SLOTS + (s)]
#define CONTENT(n, e) content[(n) * EXTENTS + (e) - 1]

/* Of a generation, told by OPEN, FILL and READY. Extents are 1, 2, ... */
byte name_of[MAXGEN + 1], extent_of[MAXGEN + 1], version_of[MAXGEN + 1];

byte disk[2] = 1; /* the version of a file is its identity */

/* Boxes: what a rank waits for. Posting is one step with taking up, closing with dropping the agent's pin:
 * only the agent looks at a box, and whatever it delays could have come later. */
#define IDLE     0
#define MISS     1 /* + name */
#define CHECK      3
#define ANSWERED 4
byte box[RANKS];
byte own[RANKS];    /* MISS: slot + 1 that the agent pins for the box */
byte answer[RANKS]; /* CHECK: generation that is current, 0: start over */

/* Commands and answers to checks, in one order, to node 1. */
#define C_OPEN    1
#define C_FILL    2
#define C_READY   3
#define C_FAIL    4
#define C_CHANGED 5
#define C_UNLIST  6
#define C_RECLAIM 7
#define C_SYNC    8 /* rank that invalidates */
#define C_ANSWER  9
chan command = [8] of { byte, byte, byte };

/* Notes of node 1 that ask for something: a name is a MISS. */
#define N_CHECK 2
#define N_INV 3 /* + rank */
chan note = [8] of { byte };

/* Notes that tell what stays true: sets of nodes that the coordinator looks at whenever it likes. */
byte drained[SLOTS], acked[RANKS];

byte sent[SLOTS];      /* the stream to node 1: 0 nothing yet, 1 the bytes, 2 poison */
byte receiving[SLOTS]; /* node 1: extent that the stream of a slot goes to */
byte task[SLOTS];      /* decoding: 0 to be done, 1 a rank is at it, 2 done */
byte reported[NODES];  /* set of slots: DRAINED has been told */
byte joined[NODES];    /* set of ranks that wait for the check that was sent */
byte waiting[NODES];   /* set of ranks that wait for the next one */
byte asked[NODES];     /* set of ranks whose present get began before the check was sent */

/* The coordinator's */
byte entry[SLOTS]; /* a word: what the last command made the slot */
byte identity[SLOTS];
byte used;         /* set of extents */
byte wanted;       /* set of bundles that wait for a free slot */
byte found[NODES], since[NODES]; /* a check: version on disk, 0: none is under way; generation listed then */
byte last_generation;
chan room = [SLOTS] of { byte };

/* Ghost: only asserts read these */
byte oldest;    /* generations of A up to this one are gone: an invalidation that saw them has returned */
byte newest[2]; /* version that a get has returned */
byte published; /* set of versions of A that were READY */

byte present;   /* set of ranks in a get, for T = 0 */
byte faults = FAULTS;
hidden byte i, j;

#if STALENESS == ZERO
#define BEGUN(n) ((present >> (2 * (n))) & 3)
#else
#define BEGUN(n) 0
#endif

/* Agent: commands ----------------------------------------------------------------------------------- */

/* At most one listed slot per name; extents of slots that are not FREE are disjoint; not too many listed. */
#if BUG == 6 /* let it be found by the promise that is broken */
#define SAME_NAME(v, w) false
#else
#define SAME_NAME(v, w) (LISTED(v) && LISTED(w) && name_of[GEN(v)] == name_of[GEN(w)])
#endif
#define OVERLAP(v, w) \
    (FILLED(v) >= FILL && FILLED(w) >= FILL && extent_of[GEN(v)] && extent_of[GEN(v)] == extent_of[GEN(w)])
#define SOUND(n) \
    (!SAME_NAME(W(n, 0), W(n, 1)) && !SAME_NAME(W(n, 0), W(n, 2)) && !SAME_NAME(W(n, 1), W(n, 2)) && \
     !OVERLAP(W(n, 0), W(n, 1)) && !OVERLAP(W(n, 0), W(n, 2)) && !OVERLAP(W(n, 1), W(n, 2)))
#define BOUNDED(n) (COUNTS(W(n, 0)) + COUNTS(W(n, 1)) + COUNTS(W(n, 2)) <= MAX_BUNDLES)

/* Hand a slot to a box: pinned until the box is closed. */
inline hand_out(x, slot)
{
    own[x] = slot + 1;
    box[x] = ANSWERED
}

inline hand_out_if(x, slot, name)
{
    if
    :: box[x] == MISS + name -> hand_out(x, slot)
    :: else
    fi
}

/* The newest listed slot of A, or NONE */
inline find_a(slot)
{
    slot = (HAS(entry[0], A) -> 0 : NONE);
    slot = (HAS(entry[1], A) && (slot == NONE || GEN(entry[1]) > GEN(entry[slot])) -> 1 : slot);
    slot = (HAS(entry[2], A) && (slot == NONE || GEN(entry[2]) > GEN(entry[slot])) -> 2 : slot)
}

/* The coordinator hears of a check, and somebody looks at the file for it. */
inline begin_check(n)
{
    find_a(j);
    since[n] = (j == NONE -> 0 : GEN(entry[j]));
    found[n] = disk[A]
}

inline send_check(n)
{
    asked[n] = BEGUN(n);
    if
    :: n == 0 -> begin_check(0)
    :: else -> assert(nfull(note)); note!N_CHECK
    fi
}

inline answer_if_joined(n, x, g)
{
    if
    :: joined[n] & BIT(x) -> answer[2 * n + x] = g; box[2 * n + x] = ANSWERED
    :: else
    fi
}

inline answer_check(n, g)
{
    CHECKED(n, 0) = (g && GEN(W(n, 0)) == g -> asked[n] : CHECKED(n, 0));
    CHECKED(n, 1) = (g && GEN(W(n, 1)) == g -> asked[n] : CHECKED(n, 1));
    CHECKED(n, 2) = (g && GEN(W(n, 2)) == g -> asked[n] : CHECKED(n, 2));
    answer_if_joined(n, 0, g);
    answer_if_joined(n, 1, g);
    joined[n] = waiting[n];
    waiting[n] = 0;
    asked[n] = 0;
    if
    :: joined[n] -> send_check(n)
    :: else
    fi
}

inline reclaim(n, s, g)
{
    assert(!LISTED(W(n, s)));
    W(n, s) = 0;
    /* what nobody can see any more is forgotten, so that states are the same */
    CHECKED(n, s) = 0;
    reported[n] = reported[n] & ~BIT(s);
    if
    :: extent_of[g] && CONTENT(n, extent_of[g]) == g -> CONTENT(n, extent_of[g]) = 0
    :: else
    fi;
    if
    :: n == 1 -> name_of[g] = 0; extent_of[g] = 0
    :: else
    fi
}

inline apply(n, kind, s, g)
{
    if
    :: kind == C_OPEN ->
        assert(FILLED(W(n, s)) == FREE);
        W(n, s) = WORD(g, OPEN, 1);
        hand_out_if(2 * n, s, name_of[g]);
        hand_out_if(2 * n + 1, s, name_of[g])
    :: kind == C_FILL ->
        assert(FILLED(W(n, s)) == OPEN);
        W(n, s) = WORD(g, FILL, LISTED(W(n, s)));
        CONTENT(n, extent_of[g]) = 0;
        receiving[s] = (n -> extent_of[g] : receiving[s])
    :: kind == C_READY ->
        assert(FILLED(W(n, s)) == FILL);
        assert(CONTENT(0, extent_of[g]) == g && CONTENT(1, extent_of[g]) == g); /* complete everywhere */
        CHECKED(n, s) = (BUG == 14 -> BEGUN(n) : CHECKED(n, s));
        W(n, s) = WORD(g, READY, LISTED(W(n, s)))
    :: kind == C_FAIL -> W(n, s) = WORD(g, FAILED, 0)
    :: kind == C_CHANGED -> W(n, s) = WORD(g, CHANGED, 0)
    :: kind == C_UNLIST -> assert(LISTED(W(n, s))); W(n, s) = W(n, s) - 1
    :: kind == C_RECLAIM -> reclaim(n, s, g)
    :: kind == C_SYNC -> acked[s] = acked[s] | BIT(n)
    :: kind == C_ANSWER -> answer_check(n, g)
    fi;
    assert(SOUND(n));
    assert(BOUNDED(n))
}

/* Coordinator --------------------------------------------------------------------------------------- */

inline send(what, slot, value)
{
    apply(0, what, slot, value);
    assert(nfull(command));
    command!what, slot, value
}

#define IS_LISTED(name) (HAS(entry[0], name) || HAS(entry[1], name) || HAS(entry[2], name))
#define NO_SLOT_FREE    (FILLED(entry[0]) && FILLED(entry[1]) && FILLED(entry[2]))

inline open(name)
{
    if
    :: NO_SLOT_FREE -> wanted = wanted | BIT(name)
    :: else ->
        i = (FILLED(entry[0]) == FREE -> 0 : (FILLED(entry[1]) == FREE -> 1 : 2));
        last_generation++;
        assert(last_generation <= MAXGEN);
        name_of[last_generation] = name;
        entry[i] = WORD(last_generation, OPEN, 1);
        send(C_OPEN, i, last_generation)
    fi
}

inline want(name)
{
    if
    :: IS_LISTED(name) /* OPEN is on its way to whoever asks */
    :: else -> open(name)
    fi
}

inline unlist(slot)
{
    entry[slot] = entry[slot] - 1;
    send(C_UNLIST, slot, GEN(entry[slot]))
}

inline unlist_if(slot, condition)
{
    if
    :: condition -> unlist(slot)
    :: else
    fi
}

inline invalidate(r)
{
    unlist_if(0, HAS(entry[0], A));
    unlist_if(1, HAS(entry[1], A));
    unlist_if(2, HAS(entry[2], A));
    send(C_SYNC, r, 0)
}

/* The file was looked at for a check: is what is listed still on disk? */
inline end_check(n)
{
    find_a(s);
    g = 0; /* start over */
    if
    :: s != NONE && FILLED(entry[s]) == READY ->
        if
        :: found[n] == identity[s] -> g = GEN(entry[s])
        :: found[n] != identity[s] && (GEN(entry[s]) == since[n] || BUG == 12) ->
            unlist_if(s, BUG != 6);
            open(A)
        :: else /* what is listed was opened after the look, which proves nothing about it */
        fi
    :: else
    fi;
    found[n] = 0; since[n] = 0;
    if
    :: n == 0 -> answer_check(0, g)
    :: else -> assert(nfull(command)); command!C_ANSWER, 0, g
    fi;
    s = 0; g = 0
}

proctype Coordinator()
{
    byte s, g;
end:
    do
    :: d_step {
        nempty(note) ->
        note?s;
        if
        :: s == N_CHECK -> begin_check(1)
        :: s >= N_INV -> s = s - N_INV; invalidate(s)
        :: else -> want(s)
        fi;
        s = 0
       }
    :: d_step { wanted && !NO_SLOT_FREE -> s = (wanted & 1 -> A : B); wanted = wanted & ~BIT(s); want(s); s = 0 }
#if STALENESS != NEVER
    :: d_step { found[0] -> end_check(0) }
    :: d_step { found[1] -> end_check(1) }
#endif
    od
}

#define COUNTED    (COUNTS(entry[0]) + COUNTS(entry[1]) + COUNTS(entry[2]))
#define EXCESS(s)  (COUNTED + LISTED(entry[s]) > MAX_BUNDLES)
#define FULL       (used == BIT(EXTENTS) - 1)
#define TO_COME(w) (!LISTED(w) && FILLED(w) == READY)
#define MEMORY_TO_COME  (TO_COME(entry[0]) || TO_COME(entry[1]) || TO_COME(entry[2]))
#define IS_VICTIM(w)    (LISTED(w) && FILLED(w) == READY)
#define IS_FIRST(s)     room?[eval(s)]
#define NEEDS_VICTIM(s) (EXCESS(s) || (FULL && !MEMORY_TO_COME))

/* Node 1 has the stream; or, if it had no memory for the image or the stream was poisoned, has thrown it away. */
inline receive(s)
{
    CONTENT(1, receiving[s]) = (sent[s] == 1 -> GEN(W(1, s)) : 0);
    receiving[s] = 0
}

/* The load of a slot */
proctype Load(byte s)
{
    byte g, e, reading;
end:
    do
    :: atomic {
        FILLED(entry[s]) == OPEN ->
        g = GEN(entry[s]);
        identity[s] = disk[name_of[g]];
        if
        :: !LISTED(entry[s]) && BUG != 15 -> goto changed /* invalidated: who waits had better take the next one */
        :: else -> room!s
        fi
       }
end_room: /* a load that nobody waits for any more may wait for ever; who waits is a rank that does not end */
        do
        :: d_step {
            IS_FIRST(s) && !EXCESS(s) && !FULL ->
            room?_;
            e = (used & 1 -> 2 : 1);
            used = used | BIT(e - 1);
            extent_of[g] = e;
            entry[s] = WORD(g, FILL, LISTED(entry[s]));
            send(C_FILL, s, g);
            reading = disk[name_of[g]] /* one half of the file */
           }
            break
        /* somebody has to go, whoever */
        :: d_step { IS_FIRST(s) && NEEDS_VICTIM(s) && IS_VICTIM(entry[0]) -> unlist(0) }
        :: d_step { IS_FIRST(s) && NEEDS_VICTIM(s) && IS_VICTIM(entry[1]) -> unlist(1) }
        :: d_step { IS_FIRST(s) && NEEDS_VICTIM(s) && IS_VICTIM(entry[2]) -> unlist(2) }
#ifdef GIVE_UP
        :: atomic { IS_FIRST(s) && FULL && MEMORY_TO_COME -> room?_; goto failed } /* room_timeout_ms: pins */
#endif
        od;
        if
        :: atomic { /* the other half; then the votes, and the second look at the file */
            task[s] != 1 && (receiving[s] || BUG == 3) ->
            reading = (disk[name_of[g]] == reading -> reading : 0);
            CONTENT(0, e) = (task[s] == 0 -> g : CONTENT(0, e));
            task[s] = 2;
            sent[s] = 1;
            if
            :: BUG != 3 -> receive(s)
            :: else
            fi;
            if
            :: disk[name_of[g]] != identity[s] && BUG != 8 -> goto changed
            :: else
            fi;
            assert(reading == identity[s]); /* what is published was on disk as a whole */
#if defined(ONE_LOAD) && BUG != 6
            assert(!(published & BIT(reading))); /* one load per version */
            published = published | BIT(reading);
#endif
            d_step {
                version_of[g] = reading;
                CHECKED(0, s) = BEGUN(0);
                CHECKED(1, s) = BEGUN(1); /* node 1's own clock, when it voted: the look came after that */
                entry[s] = WORD(g, READY, LISTED(entry[s]));
                send(C_READY, s, g);
#if BUG == 6
                unlist_if(0, s != 0 && HAS(entry[0], name_of[g]) && GEN(entry[0]) < g);
                unlist_if(1, s != 1 && HAS(entry[1], name_of[g]) && GEN(entry[1]) < g);
                unlist_if(2, s != 2 && HAS(entry[2], name_of[g]) && GEN(entry[2]) < g)
#endif
            }
            goto loaded
           }
#if FAULTS
        :: atomic { faults && receiving[s] -> faults--; sent[s] = 2; receive(s); goto failed }
#if BUG == 11
        :: atomic { faults -> faults--; sent[s] = 2; goto failed }
#endif
#endif
        fi;
changed:
        atomic { entry[s] = WORD(g, CHANGED, 0); d_step { send(C_CHANGED, s, g) } goto loaded }
failed:
        atomic { entry[s] = WORD(g, FAILED, 0); d_step { send(C_FAIL, s, g) } }
loaded:
        atomic { g = 0; e = 0; reading = 0 }
    od
}

/* Agent: boxes, scans ------------------------------------------------------------------------------- */

/* Rank x of node n misses a name. */
inline miss(n, x, name)
{
    box[x] = MISS + name;
    if
    :: HAS(W(n, 0), name) -> hand_out(x, 0)
    :: HAS(W(n, 1), name) -> hand_out(x, 1)
    :: HAS(W(n, 2), name) -> hand_out(x, 2)
    :: else ->
        if
        :: n == 0 -> want(name)
        :: else -> assert(nfull(note)); note!name
        fi
    fi
}

/* Only a check that has not been sent can be joined. */
inline check(n, x)
{
    box[x] = CHECK;
    if
    :: joined[n] && BUG != 4 -> waiting[n] = waiting[n] | BIT(x % 2)
    :: joined[n] && BUG == 4 -> joined[n] = joined[n] | BIT(x % 2)
    :: else -> joined[n] = BIT(x % 2); send_check(n)
    fi
}

#define UNPINNED(x, s) (own[2 * n + (x)] != (s) + 1 && PIN(2 * n + (x), s) == 0)
#if BUG == 11
#define STREAM_ENDED(s) true
#else
#define STREAM_ENDED(s) (n == 0 || receiving[s] == 0)
#endif
/* A scan begins after the store. One that meets a pin is nothing, so it may as well not begin. */
#define MAY_SCAN(s) \
    (!LISTED(W(n, s)) && FILLED(W(n, s)) >= READY && !(reported[n] & BIT(s)) && STREAM_ENDED(s) && UNPINNED(0, s))

#if BUG == 2
#define IS_DRAINED(s) drained[s]
#else
#define IS_DRAINED(s) (drained[s] == ALL)
#endif

/* DRAINED. The coordinator sends RECLAIM when it has heard it from every node. */
inline report(s)
{
    reported[n] = reported[n] | BIT(s);
    drained[s] = drained[s] | BIT(n);
    if
    :: IS_DRAINED(s) && FILLED(entry[s]) >= READY ->
        i = GEN(entry[s]);
        used = (extent_of[i] -> used & ~BIT(extent_of[i] - 1) : used);
        drained[s] = 0; sent[s] = (BUG == 11 -> sent[s] : 0); task[s] = 0; identity[s] = 0; version_of[i] = 0; entry[s] = 0;
        send(C_RECLAIM, s, i)
    :: else
    fi
}

proctype Agent(byte n)
{
    byte kind, s, g;
end:
    do
#if BUG == 1
    :: atomic {
        n && nempty(command) ->
        command?kind, s, g;
        j = (kind == C_UNLIST && UNPINNED(0, s) -> 16 : 0);
        s = s + j
       }
        atomic { s = (s >= 16 && !UNPINNED(1, s - 16) -> s - 16 : s) }
        d_step {
            j = s / 16;
            s = s % 16;
            apply(1, kind, s, g);
            if
            :: j && FILLED(W(n, s)) == READY -> report(s)
            :: else
            fi;
            kind = 0; s = 0; g = 0
        }
#else
    :: d_step { n && nempty(command) -> command?kind, s, g; apply(1, kind, s, g); kind = 0; s = 0; g = 0 }
#endif
#if BUG == 11
    :: d_step { n && receiving[0] && sent[0] == 2 -> receive(0) }
    :: d_step { n && receiving[1] && sent[1] == 2 -> receive(1) }
    :: d_step { n && receiving[2] && sent[2] == 2 -> receive(2) }
#endif
#ifdef SLOW_SCAN
    :: atomic { MAY_SCAN(0) -> s = 0; goto scan }
    :: atomic { MAY_SCAN(1) -> s = 1; goto scan }
    :: atomic { MAY_SCAN(2) -> s = 2; goto scan }
#else
    :: d_step { MAY_SCAN(0) && UNPINNED(1, 0) -> report(0) }
    :: d_step { MAY_SCAN(1) && UNPINNED(1, 1) -> report(1) }
    :: d_step { MAY_SCAN(2) && UNPINNED(1, 2) -> report(2) }
#endif
    od;
#ifdef SLOW_SCAN
scan:
    atomic {
        if
        :: UNPINNED(1, s) -> d_step { report(s) }
        :: else
        fi;
        s = 0;
        goto end
    }
#endif
}

/* Rank ---------------------------------------------------------------------------------------------- */

#define MY(s) W(NODE(r), s)

inline begin()
{
    name = (OP(r, k) == GETB -> B : A);
    gone = (name == A -> oldest : 0);
#if STALENESS == ZERO
    least = disk[name];
    present = present | BIT(r);
    asked[NODE(r)] = asked[NODE(r)] & ~BIT(r % 2);
    CHECKED(NODE(r), 0) = CHECKED(NODE(r), 0) & ~BIT(r % 2);
    CHECKED(NODE(r), 1) = CHECKED(NODE(r), 1) & ~BIT(r % 2);
    CHECKED(NODE(r), 2) = CHECKED(NODE(r), 2) & ~BIT(r % 2)
#else
    least = newest[name]
#endif
}

inline end_get()
{
    s = 0; g = 0; name = 0; gone = 0; least = 0;
    present = present & ~BIT(r);
    k++
}

/* A pinned slot is not used again, and its bytes do not change. */
#define INTACT(s, g) (GEN(MY(s)) == (g) && CONTENT(NODE(r), extent_of[g]) == (g))

inline check_returned()
{
    assert(name_of[g] == name);
    assert(INTACT(s, g));
    assert(g > gone);               /* what an invalidation saw that had returned is gone */
    assert(version_of[g] >= least); /* T = 0: fresh; otherwise: nobody goes back in time */
#if REWRITES && STALENESS != ZERO
    newest[name] = (version_of[g] > newest[name] -> version_of[g] : newest[name])
#endif
}

proctype Rank(byte r)
{
    byte k, name, s, g, gone, least, kept_slot, kept;
next:
    if
    :: atomic { OP(r, k) == END -> goto finish }
    :: atomic {
        OP(r, k) == INV ->
        gone = last_generation;
        d_step {
            if
            :: NODE(r) == 0 -> invalidate(r)
            :: else -> assert(nfull(note)); note!N_INV + r
            fi
        }
       }
        atomic {
            acked[r] == ALL || (BUG == 7 && acked[r]) ->
            oldest = (gone > oldest -> gone : oldest);
            acked[r] = 0; gone = 0; k++;
            goto next
        }
    :: atomic { OP(r, k) == GET || OP(r, k) == GETB || OP(r, k) == KEEP -> begin(); goto again }
    fi;
again: /* 1. find the listed slot */
    atomic {
        if
        :: HAS(MY(0), name) -> s = 0; g = GEN(MY(0))
        :: HAS(MY(1), name) -> s = 1; g = GEN(MY(1))
        :: HAS(MY(2), name) -> s = 2; g = GEN(MY(2))
        :: else -> d_step { miss(NODE(r), r, name) } goto missed
        fi
    }
    PIN(r, s)++; /* 2. pin, look again */
    atomic {
        if
        :: BUG == 9
        :: BUG == 10 && LISTED(MY(s)) -> g = GEN(MY(s))
        :: BUG != 9 && LISTED(MY(s)) && GEN(MY(s)) == g
        :: else -> PIN(r, s)--; s = 0; g = 0; goto withdrawn
        fi;
        goto filled
    }
missed:
#if BUG == 13 /* the box is closed first */
    atomic { box[r] == ANSWERED -> s = own[r] - 1; g = GEN(MY(s)); box[r] = IDLE; own[r] = 0 }
    atomic { true -> PIN(r, s)++; goto filled }
#else
    if
    :: atomic { /* the agent's pin protects the slot until now */
        box[r] == ANSWERED -> s = own[r] - 1; PIN(r, s)++; g = GEN(MY(s)); box[r] = IDLE; own[r] = 0; goto filled
       }
#ifdef GIVE_UP
    :: atomic { true -> box[r] = IDLE; own[r] = 0; end_get(); goto next }
#endif
    fi;
#endif
filled: /* 3. and 4. */
    atomic {
        if
        :: FILLED(MY(s)) == READY ->
#if STALENESS == SOME
            if
            :: true -> goto current
            :: true
            fi;
            d_step { check(NODE(r), r) }
#elif STALENESS == ZERO
            if
            :: CHECKED(NODE(r), s) & BIT(r % 2) -> goto current
            :: NODE(r) == 0 && disk[name] == version_of[g] -> goto current /* looked oneself */
            :: else
            fi;
            d_step { check(NODE(r), r) }
#else
            goto current
#endif
        :: FILLED(MY(s)) == FAILED -> goto give_up
        :: FILLED(MY(s)) == CHANGED -> PIN(r, s)--; s = 0; g = 0; goto withdrawn
#ifdef HELP
        :: FILLED(MY(s)) == FILL && NODE(r) == 0 && task[s] == 0 && sent[s] == 0 -> task[s] = 1; goto helping
#endif
#ifdef GIVE_UP
        :: FILLED(MY(s)) < READY -> goto give_up
#endif
        fi
    }
    atomic {
        box[r] == ANSWERED ->
        box[r] = IDLE;
        if
        :: answer[r] == g -> answer[r] = 0
        :: else -> answer[r] = 0; PIN(r, s)--; s = 0; g = 0; goto withdrawn
        fi
    }
current:
    atomic {
        check_returned();
        if
        :: OP(r, k) == KEEP -> kept_slot = s; kept = g; end_get(); goto next
        :: else
        fi
    }
    atomic { true -> assert(INTACT(s, g)); PIN(r, s)--; end_get(); goto next }
#ifdef HELP
helping:
#if BUG == 5
    PIN(r, s)--;
    atomic { true -> CONTENT(0, EXTENTS) = g; task[s] = (task[s] == 1 -> 2 : task[s]); s = 0; g = 0 }
    goto again;
#else
    atomic { true -> CONTENT(0, extent_of[g]) = g; task[s] = 2; goto filled }
#endif
#endif
withdrawn: /* in a step of its own */
    goto again;
give_up:
    atomic { true -> PIN(r, s)--; end_get(); goto next }
finish:
    if
    :: atomic { kept -> assert(INTACT(kept_slot, kept)); PIN(r, kept_slot)--; kept_slot = 0; kept = 0 }
    :: else
    fi
}

#if REWRITES
proctype Rewriter()
{
    disk[A] = 2
}
#endif

init
{
    atomic {
        run Coordinator();
        run Load(0); run Load(1); run Load(2);
        run Agent(0); run Agent(1);
        run Rank(0); run Rank(1); run Rank(2); run Rank(3);
#if REWRITES
        run Rewriter()
#endif
    }
}
