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

/* Of a day from 0000-03-01 on, or of January and February before it, for which a year is put in front. */
static void date_of(int64_t days, unsigned *year, unsigned *month, unsigned *day)
{
    uint32_t z = (uint32_t)(days + DAYS_TO_1970 + DAYS_400_YEARS);
    uint32_t era = z / DAYS_400_YEARS, doe = z % DAYS_400_YEARS;
    uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / (DAYS_400_YEARS - 1)) / 365;
    uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    uint32_t from_march = (5 * doy + 2) / 153;

    *day = doy - (153 * from_march + 2) / 5 + 1;
    *month = from_march < 10 ? from_march + 3 : from_march - 9;
    *year = yoe + era * 400 + (*month <= 2) - 400;
}

static void put_two(char *at, uint32_t value)
{
    at[0] = (char)('0' + value / 10);
    at[1] = (char)('0' + value % 10);
}

static void put_time(char *at, uint32_t of_day)
{
    uint32_t seconds = of_day / CLOCK_SECOND, minutes = seconds / 60, ms = of_day % CLOCK_SECOND;

    put_two(at, minutes / 60);
    put_two(at + 3, minutes % 60);
    put_two(at + 6, seconds % 60);
    at[9] = (char)('0' + ms / 100);
    put_two(at + 10, ms % 100);
}

void enc_iso(int64_t ms, char out[static ENC_ISO_SIZE])
{
    if (ms < ISO_MIN)
        ms = ISO_MIN;
    if (ms > ISO_MAX)
        ms = ISO_MAX;
    /* from the year 0 on, so that nothing is below zero */
    int64_t from_min = ms - ISO_MIN, day_of_min = from_min / CLOCK_DAY;
    unsigned year, month, day;

    date_of(day_of_min + ISO_MIN / CLOCK_DAY, &year, &month, &day);
    memcpy(out, "0000-00-00T00:00:00.000Z", ENC_ISO_SIZE);
    put_two(out, year / 100);
    put_two(out + 2, year % 100);
    put_two(out + 5, month);
    put_two(out + 8, day);
    put_time(out + 11, (uint32_t)(from_min - day_of_min * CLOCK_DAY));
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
