/* Instants as ISO-8601 text and back, in the proleptic Gregorian calendar (as ECMA-262 counts). Own arithmetic: no time
 * zone file may be looked for once a worker is confined. */
#include "base/clock.h"
#include "base/enc.h"

#include <string.h>

#define ISO_MIN INT64_C(-62167219200000) /* 0000-01-01T00:00:00.000Z */
#define ISO_MAX INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */
#define DAYS_400_YEARS 146097
#define DAYS_TO_1970 719468 /* from 0000-03-01 */

/* Years are counted from March, so that the leap day is the last one of a year. */
static int64_t days_of(int year, int month, int day)
{
    int y = month <= 2 ? year - 1 : year;
    int era = (y >= 0 ? y : y - 399) / 400;
    int of_era = y - era * 400, from_march = (month + 9) % 12;
    int day_of_year = (153 * from_march + 2) / 5 + day - 1;
    int64_t day_of_era = (int64_t)of_era * 365 + of_era / 4 - of_era / 100 + day_of_year;
    return era * (int64_t)DAYS_400_YEARS + day_of_era - DAYS_TO_1970;
}

static void date_of(int64_t days, int *year, int *month, int *day)
{
    int64_t z = days + DAYS_TO_1970;
    int64_t era = (z >= 0 ? z : z - (DAYS_400_YEARS - 1)) / DAYS_400_YEARS;
    int64_t doe = z - era * DAYS_400_YEARS;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / (DAYS_400_YEARS - 1)) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t from_march = (5 * doy + 2) / 153;
    *day = (int)(doy - (153 * from_march + 2) / 5 + 1);
    *month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    *year = (int)(yoe + era * 400 + (*month <= 2));
}

static void put_digits(char *at, int width, int64_t value)
{
    for (int i = width - 1; i >= 0; i--, value /= 10)
        at[i] = (char)('0' + value % 10);
}

void enc_iso(int64_t ms, char out[static ENC_ISO_SIZE])
{
    if (ms < ISO_MIN)
        ms = ISO_MIN;
    if (ms > ISO_MAX)
        ms = ISO_MAX;
    int64_t of_day = ((ms % CLOCK_DAY) + CLOCK_DAY) % CLOCK_DAY;
    int year, month, day;
    date_of((ms - of_day) / CLOCK_DAY, &year, &month, &day);
    memcpy(out, "0000-00-00T00:00:00.000Z", ENC_ISO_SIZE);
    put_digits(out, 4, year);
    put_digits(out + 5, 2, month);
    put_digits(out + 8, 2, day);
    put_digits(out + 11, 2, of_day / CLOCK_HOUR);
    put_digits(out + 14, 2, of_day / CLOCK_MINUTE % 60);
    put_digits(out + 17, 2, of_day / CLOCK_SECOND % 60);
    put_digits(out + 20, 3, of_day % CLOCK_SECOND);
}

static unsigned get_digits(const char *at, int width)
{
    unsigned value = 0;
    for (int i = 0; i < width; i++)
        value = value * 10 + (unsigned)(at[i] - '0');
    return value;
}

static bool iso_shaped(const char *s)
{
    static const char shape[] = "0000-00-00T00:00:00.000Z";
    for (size_t i = 0; i < sizeof shape; i++) {
        bool fits = shape[i] == '0' ? s[i] >= '0' && s[i] <= '9' : s[i] == shape[i];
        if (!fits)
            return false;
    }
    return true;
}

static unsigned days_in(unsigned year, unsigned month)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

bool enc_instant(const struct enc_date *d, int64_t *ms)
{
    if (d->year > 9999 || d->month < 1 || d->month > 12 || d->day < 1 || d->day > days_in(d->year, d->month) ||
        d->hour > 23 || d->minute > 59 || d->second > 59 || d->ms > 999)
        return false;
    *ms = days_of((int)d->year, (int)d->month, (int)d->day) * CLOCK_DAY + d->hour * CLOCK_HOUR +
          d->minute * CLOCK_MINUTE + d->second * CLOCK_SECOND + d->ms;
    return true;
}

bool enc_uniso(const char *s, int64_t *ms)
{
    if (!iso_shaped(s))
        return false;
    const struct enc_date d = {
        .year = get_digits(s, 4),
        .month = get_digits(s + 5, 2),
        .day = get_digits(s + 8, 2),
        .hour = get_digits(s + 11, 2),
        .minute = get_digits(s + 14, 2),
        .second = get_digits(s + 17, 2),
        .ms = get_digits(s + 20, 3),
    };
    return enc_instant(&d, ms);
}
