#include <pthread.h>
#include <stdio.h>

#include "core/plan.h"
#include "core/version.h"
#include "io/parser/message.h"

static char build[sizeof((bp__greeting *)0)->build];

static const char *fact(const char *wanted)
{
    const char *name, *value;
    for (unsigned i = 0; bp_build_info(i, &name, &value); i++)
        if (name[0] == wanted[0] && __builtin_strcmp(name, wanted) == 0) return value;
    return "";
}

/* The commit tells what the code means; the sizes, how a compiler with other options has laid it out. */
static void write_build(void)
{
    snprintf(build, sizeof build, "%s %s %zu.%zu.%zu.%zu.%zu", fact("version"), fact("commit"),
             sizeof(bp__plan), sizeof(bp__plan_dataset), sizeof(bp__plan_task), sizeof(bp__image),
             sizeof(bp__question));
}

const char *bp__parser_build(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, write_build);
    return build;
}
