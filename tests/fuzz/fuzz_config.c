/* Any bytes as a configuration file: no crash, a refusal always says why, and what is accepted can be printed. */
#include "base/buf.h"
#include "conf/config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count(void *arg, const char *line)
{
    if (!*line || strchr(line, '\n'))
        abort(); /* a fault is one line */
    ++*(size_t *)arg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cfg *cfg = NULL;
    struct config_item item;
    size_t faults = 0;
    enum err e = config_parse("fuzz", (const char *)data, size, false, count, &faults, &cfg);

    if ((e == ERR_OK) != (faults == 0) || (e == ERR_OK) != (cfg != NULL))
        abort();
    if (!cfg)
        return 0;
    struct buf out = buf_in(cfg->arena);
    config_print(&out, cfg);
    config_warn(cfg, count, &faults);
    for (size_t i = 0; config_item(cfg, cfg->arena, i, &item); i++) {
        if (!item.value)
            abort();
    }
    config_free(&cfg);
    return 0;
}
