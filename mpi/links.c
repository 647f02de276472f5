#include "mpi/links.h"

#include <stddef.h>

#define BEAT_LEAST_NS UINT64_C(100000000)

static bool are_neighbours(int a, int b, int num_nodes)
{
    const int low = a < b ? a : b, high = a < b ? b : a;
    return num_nodes <= BP__MESH_MAX || high == low + 1 || bp__tree_parent(high) == low;
}

void bp__links_init(bp__links *links, int node, int num_nodes, int64_t timeout_ms)
{
    *links = (bp__links){.timeout_ns = (uint64_t)timeout_ms * 1000000};
    links->beat_ns = links->timeout_ns / 10 > BEAT_LEAST_NS ? links->timeout_ns / 10 : BEAT_LEAST_NS;
    for (int other = 0; other < num_nodes; other++)
        if (other != node && are_neighbours(node, other, num_nodes)) links->link[links->num++].node = other;
}

void bp__links_begin(bp__links *links, uint64_t now_ns)
{
    links->now_ns = now_ns;
    for (unsigned i = 0; i < links->num; i++) links->link[i].heard_ns = links->link[i].sent_ns = now_ns;
}

void bp__links_turn(bp__links *links, uint64_t now_ns)
{
    const uint64_t passed = now_ns - links->now_ns;
    if (passed > links->timeout_ns / 10)
        for (unsigned i = 0; i < links->num; i++) links->link[i].heard_ns += passed;
    links->now_ns = now_ns;
}

static bp__link *find(bp__links *l, int node)
{
    for (unsigned i = 0; i < l->num; i++)
        if (l->link[i].node == node) return &l->link[i];
    return NULL;
}

void bp__links_heard(bp__links *links, int node)
{
    bp__link *l = find(links, node);
    if (l) l->heard_ns = links->now_ns;
}

void bp__links_sent(bp__links *links, int node)
{
    bp__link *l = find(links, node);
    if (l) l->sent_ns = links->now_ns;
}

void bp__links_ended(bp__links *links, int node)
{
    bp__link *l = find(links, node);
    if (l) l->ended = true;
}

bool bp__links_all_ended(const bp__links *links)
{
    for (unsigned i = 0; i < links->num; i++)
        if (!links->link[i].ended) return false;
    return true;
}

const bp__link *bp__links_due(const bp__links *links)
{
    for (unsigned i = 0; i < links->num; i++)
        if (links->now_ns - links->link[i].sent_ns >= links->beat_ns) return &links->link[i];
    return NULL;
}

const bp__link *bp__links_silent(const bp__links *links, uint64_t *ms)
{
    for (unsigned i = 0; i < links->num; i++) {
        const bp__link *l = &links->link[i];
        const uint64_t silent_ns = links->now_ns - l->heard_ns;
        if (l->ended || silent_ns < links->timeout_ns) continue;
        *ms = silent_ns / 1000000;
        return l;
    }
    return NULL;
}
