/* A rank's side of the boxes: bp__box and bp__reply in core/directory.h say who writes what. */
#include "mpi/pool.h"

#include <errno.h>
#include <string.h>

#include "core/atomic.h"
#include "core/clock.h"

/* Take a free box; if there are more threads than boxes, they wait for each other. */
static bp_status take_box(bp_pool *pool, const struct timespec *deadline, uint32_t *box)
{
    int err = 0;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        for (*box = 0; *box < BP__BOXES && pool->box_used[*box];) ++*box;
        if (*box < BP__BOXES || err == ETIMEDOUT) break;
        err = pthread_cond_timedwait(&pool->box_free, &pool->lock, deadline);
    }
    if (*box < BP__BOXES) pool->box_used[*box] = true;
    pthread_mutex_unlock(&pool->lock);
    return *box < BP__BOXES ? BP_OK : BP_ETIMEOUT;
}

static bp_status wait_for_answer(const bp_pool *pool, const bp__reply *reply, uint32_t number,
                                 const struct timespec *deadline)
{
    for (;;) {
        uint32_t answered = bp__load_acquire(&reply->answered);
        if (answered == number) return BP_OK;
        BP_TRY(bp__dir_whole(&pool->dir)); /* the service thread may have ended: nobody would answer */
        if (!bp__dir_wait(&reply->answered, answered, deadline)) return BP_ETIMEOUT;
    }
}

bp_status bp__request_begin(bp_pool *pool, bp__request kind, const char *name, int64_t number,
                            const struct timespec *deadline, const bp__reply **reply, uint32_t *box)
{
    BP_TRY(bp__dir_whole(&pool->dir));
    BP_TRY(take_box(pool, deadline, box));
    bp__box *b = &pool->own->box[*box];
    *reply = &pool->dir.reply[(uint32_t)pool->top.node_rank * BP__BOXES + *box];
    uint32_t request = ++pool->box_number[*box];
    b->kind = (uint32_t)kind;
    b->all = name == NULL;
    b->number = number;
    memset(b->name, 0, sizeof b->name);
    if (name) memcpy(b->name, name, strnlen(name, BP_NAME_MAX));
    bp__store_release(&b->posted, request);
    bp__dir_ring(&pool->dir);

    bp_status s = wait_for_answer(pool, *reply, request, deadline);
    if (s == BP_OK && bp__failed((*reply)->code)) s = bp__fail_text((*reply)->code, (*reply)->text);
    if (bp__failed(s)) bp__request_end(pool, *box);
    return s;
}

void bp__request_end(bp_pool *pool, uint32_t box)
{
    bp__box *b = &pool->own->box[box];
    bp__store_release(&b->closed, pool->box_number[box]);
    pthread_mutex_lock(&pool->lock);
    pool->box_used[box] = false;
    pthread_cond_signal(&pool->box_free);
    pthread_mutex_unlock(&pool->lock);
}
