/* What the ranks see of the hosts they run on.
 *
 *     hosts_probe split NODES MIB   the job has exactly NODES nodes, each with its own host name, and MIB MiB
 *                                   sent around a ring of them cross every node's eth0 once in each direction
 *     hosts_probe rounds            barriers until rank 0's standard input ends; rank 0 prints how many there
 *                                   were, every 100 ms
 *
 * Exit status 0 if all of it is true; MPI errors abort the job.
 */
#include <mpi.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB (1024.0 * 1024.0)

struct traffic {
    double received, sent; /* bytes through eth0 since it was created */
};

static struct traffic traffic_now(void)
{
    struct traffic t = {-1, -1};
    char line[512];
    FILE *f = fopen("/proc/self/net/dev", "r");
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, " eth0: %lf %*s %*s %*s %*s %*s %*s %*s %lf", &t.received, &t.sent) == 2) break;
    if (f) fclose(f);
    return t;
}

/* All that was sent arrived once, give or take headers; a shortcut would show as next to nothing. */
static int crossed(double bytes, double sent)
{
    return bytes >= sent && bytes < 1.2 * sent + MIB;
}

/* Leaders only: the ring and its traffic. Returns the number of findings. */
static int check_ring(MPI_Comm leaders, int bytes, double *seconds)
{
    int rank, size, bad = 0;
    MPI_Comm_rank(leaders, &rank);
    MPI_Comm_size(leaders, &size);
    char *out = malloc((size_t)bytes), *in = malloc((size_t)bytes);
    if (!out || !in) MPI_Abort(leaders, 1);
    memset(out, rank + 1, (size_t)bytes);
    memset(in, 0, (size_t)bytes);
    const int left = (rank + size - 1) % size;

    MPI_Barrier(leaders);
    const struct traffic before = traffic_now();
    const double start = MPI_Wtime();
    MPI_Sendrecv(out, bytes, MPI_BYTE, (rank + 1) % size, 0, in, bytes, MPI_BYTE, left, 0, leaders,
                 MPI_STATUS_IGNORE);
    MPI_Barrier(leaders);
    *seconds = MPI_Wtime() - start;
    const struct traffic after = traffic_now();

    const double received = after.received - before.received, sent = after.sent - before.sent;
    if (before.sent < 0 || !crossed(received, bytes) || !crossed(sent, bytes)) {
        fprintf(stderr, "leader %d: of %.1f MiB, %.1f were received and %.1f sent through eth0\n", rank,
                bytes / MIB, received / MIB, sent / MIB);
        bad++;
    }
    if (in[0] != (char)(left + 1) || in[bytes - 1] != (char)(left + 1)) {
        fprintf(stderr, "leader %d: wrong data\n", rank);
        bad++;
    }
    free(out);
    free(in);
    return bad;
}

/* Leaders only: no two of them have the same host name. Returns the number of findings. */
static int check_names(MPI_Comm leaders)
{
    char mine[64] = "", all[256][64];
    int rank, size, bad = 0;
    MPI_Comm_rank(leaders, &rank);
    MPI_Comm_size(leaders, &size);
    if (size > 256 || gethostname(mine, sizeof(mine) - 1) != 0) MPI_Abort(leaders, 1);
    MPI_Allgather(mine, sizeof(mine), MPI_CHAR, all, sizeof(mine), MPI_CHAR, leaders);
    for (int i = 0; i < rank; i++) {
        if (strcmp(all[i], mine) == 0) {
            fprintf(stderr, "leaders %d and %d are both on %s\n", i, rank, mine);
            bad++;
        }
    }
    return bad;
}

static int split(int nodes_wanted, int mib)
{
    int rank, size, node_rank, nodes = 0, bad = 0, bad_anywhere = 0;
    double seconds = 0;
    MPI_Comm node, leaders;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &node);
    MPI_Comm_rank(node, &node_rank);
    MPI_Comm_split(MPI_COMM_WORLD, node_rank == 0 ? 0 : MPI_UNDEFINED, rank, &leaders);
    if (leaders != MPI_COMM_NULL) {
        MPI_Comm_size(leaders, &nodes);
        bad = check_names(leaders) + check_ring(leaders, mib << 20, &seconds);
        MPI_Comm_free(&leaders);
    }
    MPI_Allreduce(&bad, &bad_anywhere, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    MPI_Bcast(&nodes, 1, MPI_INT, 0, MPI_COMM_WORLD); /* rank 0 leads its node */
    if (rank == 0)
        printf("%d ranks on %d nodes, %d MiB around them in %.0f ms\n", size, nodes, mib, seconds * 1e3);
    MPI_Comm_free(&node);
    return nodes == nodes_wanted && bad_anywhere == 0 ? 0 : 1;
}

static int rounds(void)
{
    int rank, go = 1;
    long done = 0;
    double told = -1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    while (go) {
        if (rank == 0) {
            struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
            char byte;
            go = poll(&input, 1, 0) == 0 || read(STDIN_FILENO, &byte, 1) > 0;
        }
        MPI_Bcast(&go, 1, MPI_INT, 0, MPI_COMM_WORLD);
        MPI_Barrier(MPI_COMM_WORLD);
        done++;
        if (rank == 0 && MPI_Wtime() - told > 0.1) {
            told = MPI_Wtime();
            printf("round %ld\n", done);
            fflush(stdout);
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    int rc = 2;
    MPI_Init(&argc, &argv);
    if (argc == 4 && strcmp(argv[1], "split") == 0 && atoi(argv[3]) > 0 && atoi(argv[3]) < 1024)
        rc = split(atoi(argv[2]), atoi(argv[3]));
    else if (argc == 2 && strcmp(argv[1], "rounds") == 0)
        rc = rounds();
    else
        fprintf(stderr, "usage: hosts_probe split NODES MIB | hosts_probe rounds\n");
    MPI_Finalize();
    return rc;
}
