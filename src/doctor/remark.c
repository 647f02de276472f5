#include <stdarg.h>
#include <string.h>

#include "core/text.h"
#include "doctor/probes.h"

void bp__remark_that(bp__remark *remark, bp__health health, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    remark->health = health;
    vsnprintf(remark->value, sizeof remark->value, fmt, args);
    va_end(args);
}

void bp__advise(bp__remark *remark, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(remark->remedy, sizeof remark->remedy, fmt, args);
    va_end(args);
}

bool bp__first_line(const char *path, char *line, size_t size)
{
    char text[1024];
    FILE *f = fopen(path, "re");
    const bool read = f && fgets(text, sizeof text, f);
    if (f) fclose(f);
    if (!read) return false;
    text[strcspn(text, "\n")] = '\0';
    bp__text_copy(line, size, text);
    return text[0] != '\0';
}
