#include "core/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/atomic.h"
#include "core/json.h"
#include "core/text.h"

/* written by bp__log_setup(), read by every thread */
static _Atomic int level_now = BP_LOG_WARN, format_now = BP_LOG_TEXT;

void bp__log_setup(const bp_config *cfg)
{
    bp__store_relaxed(&level_now, (int)cfg->log_level);
    bp__store_relaxed(&format_now, (int)cfg->log_format);
}

bool bp__log_is_json(void)
{
    return bp__load_relaxed(&format_now) == BP_LOG_JSON;
}

static void emit(const char *line, size_t n)
{
    if (write(STDERR_FILENO, line, n) < 0) return; /* a log that cannot be written is no failure */
}

static void emit_json(const char *program, const char *kind, const char *text, const char *event,
                      const bp__log_field *field, size_t count)
{
    char *line = NULL, when[64], fraction[16];
    size_t size = 0;
    struct timespec now;
    struct tm tm;
    bp__json j = {.file = open_memstream(&line, &size), .one_line = true};
    if (!j.file) return;
    clock_gettime(CLOCK_REALTIME, &now);
    strftime(when, sizeof when - sizeof fraction, "%Y-%m-%dT%H:%M:%S", gmtime_r(&now.tv_sec, &tm));
    snprintf(fraction, sizeof fraction, ".%03dZ", (int)(now.tv_nsec / 1000000));
    bp__json_open(&j, NULL, '{');
    bp__json_text(&j, "time", strcat(when, fraction));
    bp__json_text(&j, "program", program);
    if (kind) bp__json_text(&j, "level", kind);
    if (text) bp__json_text(&j, "text", text);
    if (event) bp__json_text(&j, "event", event);
    for (size_t i = 0; i < count; i++) {
        if (field[i].text)
            bp__json_text(&j, field[i].name, field[i].text);
        else
            bp__json_number(&j, field[i].name, field[i].number);
    }
    bp__json_close(&j, '}');
    if (fclose(j.file) == 0) emit(line, size);
    free(line);
}

void bp__log_as(const char *program, const char *kind, const char *text)
{
    if (bp__log_is_json()) {
        emit_json(program, kind, text, NULL, NULL, 0);
        return;
    }
    char line[2048];
    int n = snprintf(line, sizeof line - 1, "%s: %s%s%s", program, kind ? kind : "", kind ? ": " : "", text);
    if (n > (int)sizeof line - 2) n = (int)sizeof line - 2;
    bp__text_clean(line);
    line[n++] = '\n';
    emit(line, (size_t)n);
}

void bp__log(bp_log_level level, const char *fmt, ...)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    if ((int)level > bp__load_relaxed(&level_now)) return;
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    bp__log_as("bundlepool", names[level], text);
}

void bp__log_event(const char *program, const char *event, const bp__log_field *field, size_t count)
{
    if (bp__log_is_json()) {
        emit_json(program, NULL, NULL, event, field, count);
        return;
    }
    char text[1024] = "";
    for (size_t i = 0, used = 0; i < count && used < sizeof text; i++) {
        const char *blank = i ? " " : "";
        used += (size_t)(field[i].text ? snprintf(text + used, sizeof text - used, "%s%s=%s", blank,
                                                  field[i].name, field[i].text)
                                       : snprintf(text + used, sizeof text - used, "%s%s=%.10g", blank,
                                                  field[i].name, field[i].number));
    }
    bp__log_as(program, event, text);
}
