/* Instants as ISO-8601 text and back, in the proleptic Gregorian calendar (as ECMA-262 counts). Own arithmetic: no time
 * zone file may be looked for once a worker is confined. */
#include "base/clock.h"
#include "base/enc.h"

#include <string.h>

#define ISO_MIN INT64_C(-62167219200000) /* 0000-01-01T00:00:00.000Z */
#define ISO_MAX INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */
#define DAYS_400_YEARS 146097
#define DAYS_TO_1970 719468 /* from 0000-03-01 */
#define JANUARY_AND_FEBRUARY 60 /* days of the year 0, a leap year */

/* Years are counted from March, so that the leap day is the last one of a year. */
static int64_t days_of(int year, int month, int day)
{
    int y = month <= 2 ? year - 1 : year;
    int era = (y >= 0 ? y : y - 399) / 400;
    int of_era = y - era * 400, from_march = month <= 2 ? month + 9 : month - 3;
    int day_of_year = (153 * from_march + 2) / 5 + day - 1;
    int day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + day_of_year;
    return (int64_t)era * DAYS_400_YEARS + day_of_era - DAYS_TO_1970;
}

/* days: since 0000-01-01, which is no date before it */
static void date_of(unsigned days, struct enc_date *out)
{
    unsigned z = days + DAYS_400_YEARS - JANUARY_AND_FEBRUARY, era = z / DAYS_400_YEARS, doe = z % DAYS_400_YEARS;
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / (DAYS_400_YEARS - 1)) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned from_march = (5 * doy + 2) / 153;

    out->day = doy - (153 * from_march + 2) / 5 + 1;
    out->month = from_march < 10 ? from_march + 3 : from_march - 9;
    out->year = yoe + era * 400 + (out->month <= 2) - 400;
}

void enc_date_of(int64_t ms, struct enc_date *out)
{
    ms = ms < ISO_MIN ? ISO_MIN : ms > ISO_MAX ? ISO_MAX : ms;
    uint64_t since = (uint64_t)(ms - ISO_MIN);
    unsigned of_day = (unsigned)(since % CLOCK_DAY), seconds = of_day / CLOCK_SECOND;

    date_of((unsigned)(since / CLOCK_DAY), out);
    out->hour = seconds / 3600;
    out->minute = seconds / 60 % 60;
    out->second = seconds % 60;
    out->ms = of_day % CLOCK_SECOND;
}

/* Two digits of a number below 100. */
static void put_two(char *at, unsigned value)
{
#define TEN(tens) tens "0" tens "1" tens "2" tens "3" tens "4" tens "5" tens "6" tens "7" tens "8" tens "9"
    static const char pairs[] =
        TEN("0") TEN("1") TEN("2") TEN("3") TEN("4") TEN("5") TEN("6") TEN("7") TEN("8") TEN("9");

    memcpy(at, pairs + 2 * value, 2);
}

void enc_iso(int64_t ms, char out[static ENC_ISO_SIZE])
{
    struct enc_date d;

    enc_date_of(ms, &d);
    memcpy(out, "0000-00-00T00:00:00.000Z", ENC_ISO_SIZE);
    put_two(out, d.year / 100);
    put_two(out + 2, d.year % 100);
    put_two(out + 5, d.month);
    put_two(out + 8, d.day);
    put_two(out + 11, d.hour);
    put_two(out + 14, d.minute);
    put_two(out + 17, d.second);
    put_two(out + 20, d.ms / 10);
    out[22] = (char)('0' + d.ms % 10);
}

/* *bad is no longer 0 if they are no digits. */
static inline unsigned get_two(const char *at, unsigned *bad)
{
    unsigned tens = (unsigned)at[0] - '0', ones = (unsigned)at[1] - '0';
    *bad |= (unsigned)(tens > 9) | (unsigned)(ones > 9);
    return tens * 10 + ones;
}

static unsigned days_in(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    if (month != 2 || year % 4 != 0 || (year % 100 == 0 && year % 400 != 0))
        return days[month - 1];
    return 29;
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
    if (strnlen(s, ENC_ISO_SIZE) != ENC_ISO_SIZE - 1 || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' ||
        s[16] != ':' || s[19] != '.' || s[23] != 'Z')
        return false;
    unsigned bad = 0, last = (unsigned)s[22] - '0';
    const struct enc_date d = {
        .year = get_two(s, &bad) * 100 + get_two(s + 2, &bad),
        .month = get_two(s + 5, &bad),
        .day = get_two(s + 8, &bad),
        .hour = get_two(s + 11, &bad),
        .minute = get_two(s + 14, &bad),
        .second = get_two(s + 17, &bad),
        .ms = get_two(s + 20, &bad) * 10 + last,
    };
    return !bad && last <= 9 && enc_instant(&d, ms);
}
