/* What the files of src/conf share: config.def as rows, faults with their place, values as text. Nobody else includes
 * it. */
#ifndef CONF_CONFIG_INTERNAL_H
#define CONF_CONFIG_INTERNAL_H

#include "base/log.h"
#include "conf/config.h"
#include <stddef.h>

enum cfg_type {
    CFG_T_STR,
    CFG_T_SECRET, /* text that is never printed */
    CFG_T_LIST,
    CFG_T_BOOL,
    CFG_T_INT,
    CFG_T_SIZE,
    CFG_T_TIME,
    CFG_T_RATE,
    CFG_T_SCRYPT,
    CFG_T_MODE,
    CFG_T_SIGNUP,
    CFG_T_DELETEUSER,
    CFG_T_ATMAX,
    CFG_T_SWITCH,
    CFG_T_SAMESITE,
    CFG_T_MAXAGE,
    CFG_T_STRENGTH,
    CFG_T_TRANSPORT,
    CFG_T_SMTPTLS,
    CFG_T_REMOTEUSER,
    CFG_T_DRIVER,
    CFG_T_LEVEL
};

enum cfg_id {
#define CFG(section, key, type, def, min, max, text) CFG_##section##_##key,
#include "conf/config.def"
#undef CFG
    CFG_COUNT
};

struct cfg_row {
    const char *section, *key;
    enum cfg_type type;
    const char *def;
    int64_t min, max;
    const char *text;
    size_t offset;
};

/* The row; borrowed. */
const struct cfg_row *config_row(enum cfg_id id);

/* Where the value of a key came from. */
enum cfg_from { CFG_FROM_DEFAULT, CFG_FROM_FILE, CFG_FROM_ENV };
struct cfg_source {
    enum cfg_from from;
    int line; /* of the file, if it came from there */
    bool bad; /* its text was refused: further faults would only confuse */
};

/* One reading of one configuration. */
struct cfg_reader {
    struct cfg *cfg;
    const char *file;
    config_fault_fn fault;
    void *arg;
    size_t faults;
    bool open_to_all; /* everybody may read the file: it may hold no secret */
    struct cfg_source source[CFG_COUNT];
};

/* Tells a fault of a line (0: of the whole file). */
void config_fault_line(struct cfg_reader *r, int line, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Tells a fault of a key, at the place its value came from; silent if its text was refused already. */
void config_fault_key(struct cfg_reader *r, enum cfg_id id, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Sets the member of a key from text; tells what is wrong with it. */
void config_value_take(struct cfg_reader *r, enum cfg_id id, const char *text);
/* LATCHKEY_SECTION_KEY. */
const char *config_env_name(struct arena *a, const struct cfg_row *row);
/* Takes the settings of the environment. */
void config_env_read(struct cfg_reader *r);

/* Parses text into the member of row. NULL, or what is wrong with it (in arena). */
const char *config_value_parse(struct arena *a, const struct cfg_row *row, const char *text, struct cfg *cfg);
/* The member of row as text that config_value_parse reads back; of a secret only whether it is set. */
const char *config_value_text(struct arena *a, const struct cfg_row *row, const struct cfg *cfg);
/* What may stand for a type, e.g. "lax|strict|none". */
const char *config_type_text(enum cfg_type type);

/* Checks what one value alone cannot tell, and fills the derived members. */
void config_check(struct cfg_reader *r);
/* The part of it that is about new passwords. */
void config_check_password(struct cfg_reader *r);
/* A section [gate PATH] begins; its keys follow by config_rule_take. False: it was refused (told). */
bool config_rule_begin(struct cfg_reader *r, int line, const char *path);
void config_rule_take(struct cfg_reader *r, int line, const char *key, const char *value);
/* What can be told of the rules only when all are there. And the second looks at the gate. */
void config_check_gate(struct cfg_reader *r);
void config_warn_gate(const struct cfg *cfg, config_fault_fn warn, void *arg);
/* The part of it that is about mail, and its second looks. */
void config_check_mail(struct cfg_reader *r);
void config_warn_mail(const struct cfg *cfg, config_fault_fn warn, void *arg);
/* The part of it that is about pages. */
void config_check_pages(struct cfg_reader *r);

/* The host of an origin as config_origin_of gives it: without scheme, port and brackets. */
const char *config_host_of(struct arena *a, const char *origin);
/* Is s an IPv4 or IPv6 address? */
bool config_is_address(const char *s);

#endif
