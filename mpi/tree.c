#include "mpi/tree.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "mpi/comm.h"

#define CONNECT_NAP_NS 200000

typedef struct sending {
    struct sending *next;
    MPI_Request request;
    char bytes[];
} sending;

struct bp__tree {
    MPI_Comm comm;
    int node, num_nodes;
    unsigned num_children;
    bp__tree_handler *handler;
    void *ctx;
    sending *sending;
    char *buffer; /* for what arrives, one message at a time */
    size_t capacity;
    MPI_Request arriving; /* MPI_REQUEST_NULL: nothing */
    unsigned from;
    int source;
    bp__tree_tag tag;
    size_t size;
};

bp_status bp__tree_create(MPI_Comm comm, bp__tree_handler *handler, void *ctx, bp__tree **tree)
{
    bp__tree *t = calloc(1, sizeof *t);
    *tree = NULL;
    if (!t) BP_FAIL(BP_ENOMEM, "no memory for the tree of nodes");
    t->comm = comm;
    t->num_nodes = 1;
    t->arriving = MPI_REQUEST_NULL;
    t->handler = handler;
    t->ctx = ctx;
    *tree = t;
    if (comm == MPI_COMM_NULL) return BP_OK;
    BP_MPI(MPI_Comm_rank(comm, &t->node));
    BP_MPI(MPI_Comm_size(comm, &t->num_nodes));
    for (int c = BP__TREE_ARITY * t->node + 1; c < t->num_nodes && t->num_children < BP__TREE_ARITY; c++)
        t->num_children++;
    return BP_OK;
}

void bp__tree_destroy(bp__tree **tree)
{
    bp__tree *t = *tree;
    if (!t) return;
    while (t->sending) { /* only after a failure: the job is lost, MPI may still read these */
        sending *s = t->sending;
        t->sending = s->next;
        MPI_Request_free(&s->request);
    }
    free(t->buffer);
    free(t);
    *tree = NULL;
}

unsigned bp__tree_children(const bp__tree *tree)
{
    return tree->num_children;
}

unsigned bp__tree_child_towards(const bp__tree *tree, int node)
{
    if (node == tree->node) return BP__TREE_ARITY;
    while (bp__tree_parent(node) != tree->node) {
        assert(node > tree->node);
        node = bp__tree_parent(node);
    }
    return (unsigned)(node - BP__TREE_ARITY * tree->node - 1);
}

int bp__tree_node(const bp__tree *tree, unsigned to)
{
    return to == BP__TREE_ARITY ? bp__tree_parent(tree->node) : BP__TREE_ARITY * tree->node + 1 + (int)to;
}

bp_status bp__tree_send(bp__tree *tree, bp__tree_tag tag, unsigned to, const void *bytes, size_t size)
{
    return bp__tree_send_to(tree, tag, bp__tree_node(tree, to), bytes, size);
}

bp_status bp__tree_send_to(bp__tree *tree, bp__tree_tag tag, int node, const void *bytes, size_t size)
{
    sending *s = malloc(sizeof *s + size);
    if (!s) BP_FAIL(BP_ENOMEM, "no memory for a message to node %d", node);
    if (size > 0) memcpy(s->bytes, bytes, size);
    int rc = MPI_Isend(s->bytes, (int)size, MPI_BYTE, node, (int)tag, tree->comm, &s->request);
    if (rc != MPI_SUCCESS) {
        free(s);
        return bp__mpi_failed(rc, "MPI_Isend");
    }
    s->next = tree->sending;
    tree->sending = s;
    return BP_OK;
}

static bp_status clear_sends(bp__tree *t, bool *busy)
{
    for (sending **link = &t->sending; *link;) {
        sending *s = *link;
        int done = 0;
        BP_MPI(MPI_Test(&s->request, &done, MPI_STATUS_IGNORE));
        if (!done) {
            link = &s->next;
            continue;
        }
        *link = s->next;
        free(s);
        *busy = true;
    }
    return BP_OK;
}

static unsigned place_of(const bp__tree *t, int node)
{
    if (t->node > 0 && node == bp__tree_parent(t->node)) return BP__TREE_ARITY;
    const int child = node - BP__TREE_ARITY * t->node - 1;
    return child >= 0 && child < (int)t->num_children ? (unsigned)child : BP__TREE_OTHER;
}

/* Post a receive for the next message, if there is one: a blocking one would wait for a sender that naps. */
static bp_status post_receive(bp__tree *t, bool *there)
{
    int found = 0, size = 0;
    MPI_Message message;
    MPI_Status status;
    BP_MPI(MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, t->comm, &found, &message, &status));
    *there = found;
    if (!found) return BP_OK;
    BP_MPI(MPI_Get_count(&status, MPI_BYTE, &size));
    if ((size_t)size > t->capacity) {
        char *grown = realloc(t->buffer, (size_t)size);
        if (!grown) BP_FAIL(BP_ENOMEM, "no memory for a message of %d bytes", size);
        t->buffer = grown;
        t->capacity = (size_t)size;
    }
    t->source = status.MPI_SOURCE;
    t->from = place_of(t, status.MPI_SOURCE);
    t->tag = (bp__tree_tag)status.MPI_TAG;
    t->size = (size_t)size;
    BP_MPI(MPI_Imrecv(t->buffer, size, MPI_BYTE, &message, &t->arriving));
    return BP_OK;
}

bp_status bp__tree_poll(bp__tree *tree, bool *busy)
{
    if (tree->num_nodes == 1) return BP_OK;
    BP_TRY(clear_sends(tree, busy));
    for (;;) {
        if (tree->arriving == MPI_REQUEST_NULL) {
            bool there = false;
            BP_TRY(post_receive(tree, &there));
            if (!there) return BP_OK;
        }
        int done = 0;
        BP_MPI(MPI_Test(&tree->arriving, &done, MPI_STATUS_IGNORE));
        if (!done) return BP_OK;
        tree->handler(tree->ctx, tree->tag, tree->from, tree->source, tree->buffer, tree->size);
        *busy = true;
    }
}

bool bp__tree_flush(bp__tree *tree)
{
    bool busy;
    return clear_sends(tree, &busy) == BP_OK && !tree->sending;
}

/* Both directions of the link to each node: request i is what comes, num + i what goes. */
static bp_status exchange(bp__tree *t, const int *node, unsigned num, const struct timespec *deadline,
                          MPI_Request *request)
{
    for (unsigned i = 0; i < num; i++) {
        BP_MPI(MPI_Irecv(NULL, 0, MPI_BYTE, node[i], BP__TREE_HELLO, t->comm, &request[i]));
        BP_MPI(MPI_Isend(NULL, 0, MPI_BYTE, node[i], BP__TREE_HELLO, t->comm, &request[num + i]));
    }
    for (int done = 0;;) {
        BP_MPI(MPI_Testall((int)(2 * num), request, &done, MPI_STATUSES_IGNORE));
        if (done) return BP_OK;
        if (bp__deadline_passed(deadline)) return BP_ETIMEOUT;
        nanosleep(&(struct timespec){.tv_nsec = CONNECT_NAP_NS}, NULL);
    }
}

bp_status bp__tree_connect(bp__tree *tree, const int *node, unsigned num, const struct timespec *deadline,
                           int *peer)
{
    MPI_Request request[2 * BP__LINKS_MAX];
    assert(num <= BP__LINKS_MAX);
    bp_status s = exchange(tree, node, num, deadline, request);
    for (unsigned i = 0; s == BP_ETIMEOUT && i < 2 * num; i++) {
        int done = 0;
        BP_MPI(MPI_Test(&request[i], &done, MPI_STATUS_IGNORE));
        if (!done) *peer = node[i % num]; /* what goes may have been buffered: what comes tells */
        if (!done) break;
    }
    return s;
}

bool bp__tree_quiet(const bp__tree *tree)
{
    return tree->sending == NULL && tree->arriving == MPI_REQUEST_NULL;
}
