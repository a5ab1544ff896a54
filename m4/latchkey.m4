# Checks of our own. Each says which package to install when it fails.

# LK_REQUIRE_C17: the compiler must know C17; adds -std=gnu17 or its older name.
AC_DEFUN([LK_REQUIRE_C17], [
  AC_LANG_PUSH([C])
  lk_c17=no
  for lk_flag in -std=gnu17 -std=gnu18; do
    lk_save=$CFLAGS; CFLAGS="$CFLAGS $lk_flag"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#if __STDC_VERSION__ < 201710L
#error too old
#endif]], [])], [lk_c17=$lk_flag])
    CFLAGS=$lk_save
    test "$lk_c17" != no && break
  done
  AS_IF([test "$lk_c17" = no], [AC_MSG_ERROR([a C17 compiler is needed])])
  C17_CFLAGS=$lk_c17
  AC_SUBST([C17_CFLAGS])
  AC_LANG_POP([C])
])

# LK_LIBRARY(VAR, library, header, function, Debian package): for libraries without a pkg-config file everywhere.
AC_DEFUN([LK_LIBRARY], [
  AC_CHECK_HEADER([$3], [], [AC_MSG_ERROR([$3 is missing (Debian: $5)])])
  lk_save=$LIBS
  AC_CHECK_LIB([$2], [$4], [$1_LIBS="-l$2"], [AC_MSG_ERROR([lib$2 is missing (Debian: $5)])])
  LIBS=$lk_save
  AC_SUBST([$1_LIBS])
])

# LK_FCGI_VERSION: libfcgi before 2.4.2 mishandles lengths (CVE-2025-23016 is fixed in distributions' 2.4.2 and in 2.4.5).
AC_DEFUN([LK_FCGI_VERSION], [
  AS_IF([$PKG_CONFIG --exists fcgi], [
    AS_IF([$PKG_CONFIG --atleast-version=2.4.2 fcgi], [], [AC_MSG_ERROR([libfcgi 2.4.2 or later is needed])])])
])

# LK_CFLAGS(VAR, flags): those of the flags that the compiler takes.
AC_DEFUN([LK_CFLAGS], [
  $1=
  for lk_flag in m4_normalize([$2]); do
    lk_save=$CFLAGS; CFLAGS="-Werror $lk_flag -O1"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])], [$1="$$1 $lk_flag"])
    CFLAGS=$lk_save
  done
  AC_SUBST([$1])
])

# LK_FORTIFY(VAR): adds the highest level of _FORTIFY_SOURCE that compiler and C library have. Some compilers come with
# one set, hence -U; a header must be there, since it is what complains.
AC_DEFUN([LK_FORTIFY], [
  AC_MSG_CHECKING([for the level of _FORTIFY_SOURCE])
  lk_level=no
  for lk_try in 3 2; do
    lk_save=$CFLAGS; CFLAGS="-Werror -O1 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$lk_try"
    AS_IF([test "$lk_level" = no], [AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <string.h>]], [])], [lk_level=$lk_try])])
    CFLAGS=$lk_save
  done
  AC_MSG_RESULT([$lk_level])
  AS_IF([test "$lk_level" != no], [$1="$$1 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$lk_level"])
])

# LK_LDFLAGS(VAR, flags): those of the flags that the linker takes.
AC_DEFUN([LK_LDFLAGS], [
  $1=
  for lk_flag in m4_normalize([$2]); do
    lk_save=$LDFLAGS; LDFLAGS="$lk_flag"
    lk_csave=$CFLAGS; CFLAGS="-fPIE"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [$1="$$1 $lk_flag"])
    LDFLAGS=$lk_save; CFLAGS=$lk_csave
  done
  AC_SUBST([$1])
])

# LK_MYSQL: MariaDB Connector/C or libmysqlclient, unless --without-mysql. $lk_mysql tells which, for people.
AC_DEFUN([LK_MYSQL], [
  AC_ARG_WITH([mysql], [AS_HELP_STRING([--without-mysql], [build without the MySQL and MariaDB driver])],
    [], [with_mysql=yes])
  lk_mysql=no
  AS_IF([test "$with_mysql" != no], [
    for lk_module in libmariadb mariadb mysqlclient; do
      AS_IF([test "$lk_mysql" = no && $PKG_CONFIG --exists $lk_module], [
        lk_mysql="$lk_module `$PKG_CONFIG --modversion $lk_module`"
        MYSQL_CFLAGS=`$PKG_CONFIG --cflags $lk_module`
        MYSQL_LIBS=`$PKG_CONFIG --libs $lk_module`])
    done
    AS_IF([test "$lk_mysql" = no], [
      AC_PATH_PROGS([MYSQL_CONFIG], [mariadb_config mysql_config], [no])
      AS_IF([test "$MYSQL_CONFIG" != no], [
        lk_mysql="by $MYSQL_CONFIG"
        MYSQL_CFLAGS=`$MYSQL_CONFIG --include`
        MYSQL_LIBS=`$MYSQL_CONFIG --libs`])])
    lk_save=$CPPFLAGS; CPPFLAGS="$CPPFLAGS $MYSQL_CFLAGS"
    lk_lsave=$LIBS; LIBS="$MYSQL_LIBS $LIBS"
    AC_MSG_CHECKING([for the MySQL client library])
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <mysql.h>]], [[return mysql_stmt_init(0) != 0;]])],
      [AC_MSG_RESULT([$lk_mysql])],
      [AC_MSG_RESULT([no])
       AC_MSG_ERROR([the MySQL client library is missing (Debian: libmariadb-dev; or --without-mysql)])])
    CPPFLAGS=$lk_save
    LIBS=$lk_lsave
    # its headers are not ours to warn about
    MYSQL_CFLAGS=`AS_ECHO(["$MYSQL_CFLAGS"]) | $SED 's/-I */-isystem /g'`
    MYSQL_CFLAGS="$MYSQL_CFLAGS -DLATCHKEY_WITH_MYSQL=1"
  ])
  AC_SUBST([MYSQL_CFLAGS])
  AC_SUBST([MYSQL_LIBS])
  AM_CONDITIONAL([WITH_MYSQL], [test "$with_mysql" != no])
])

# LK_ZXCVBN: libzxcvbn, where it is there, or as --with-zxcvbn says. A build of it that reads its words from a file would
# have to be told which; those of distributions hold them. $lk_zxcvbn tells people.
AC_DEFUN([LK_ZXCVBN], [
  AC_ARG_WITH([zxcvbn], [AS_HELP_STRING([--with-zxcvbn=yes|no|auto], [judge new passwords by libzxcvbn (auto)])],
    [], [with_zxcvbn=auto])
  AS_CASE([$with_zxcvbn], [yes|no|auto], [], [AC_MSG_ERROR([--with-zxcvbn takes yes, no or auto])])
  lk_zxcvbn=no
  AS_IF([test "$with_zxcvbn" != no], [
    AC_CHECK_HEADER([zxcvbn.h], [
      lk_save=$LIBS
      AC_CHECK_LIB([zxcvbn], [ZxcvbnMatch], [lk_zxcvbn=yes], [], [-lm])
      LIBS=$lk_save])
    AS_IF([test "$lk_zxcvbn" = yes], [
      AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <zxcvbn.h>
#ifdef USE_DICT_FILE
#error needs a file of words
#endif]], [])], [], [lk_zxcvbn=no])])
    AS_IF([test "$lk_zxcvbn$with_zxcvbn" = noyes],
      [AC_MSG_ERROR([libzxcvbn with its words built in is missing (Debian: libzxcvbn-dev; or --without-zxcvbn)])])])
  AS_IF([test "$lk_zxcvbn" = yes], [ZXCVBN_LIBS="-lzxcvbn -lm" ZXCVBN_CFLAGS=-DLATCHKEY_WITH_ZXCVBN=1])
  AC_SUBST([ZXCVBN_CFLAGS])
  AC_SUBST([ZXCVBN_LIBS])
])

# LK_CURL: libcurl with SMTP, where it is there, or as --with-curl says. $lk_curl tells people.
AC_DEFUN([LK_CURL], [
  AC_ARG_WITH([curl], [AS_HELP_STRING([--with-curl=yes|no|auto], [send mail over SMTP by libcurl (auto)])],
    [], [with_curl=auto])
  AS_CASE([$with_curl], [yes|no|auto], [], [AC_MSG_ERROR([--with-curl takes yes, no or auto])])
  lk_curl=no
  AS_IF([test "$with_curl" != no], [
    PKG_CHECK_MODULES([CURL], [libcurl >= 7.74], [lk_curl=`$PKG_CONFIG --modversion libcurl`], [lk_curl=no])
    AS_IF([test "$lk_curl$with_curl" = noyes],
      [AC_MSG_ERROR([libcurl is missing (Debian: libcurl4-openssl-dev; or --without-curl)])])])
  AS_IF([test "$lk_curl" != no], [CURL_CFLAGS="$CURL_CFLAGS -DLATCHKEY_WITH_CURL=1"], [CURL_LIBS= CURL_CFLAGS=])
  AC_SUBST([CURL_CFLAGS])
  AC_SUBST([CURL_LIBS])
  AM_CONDITIONAL([WITH_CURL], [test "$lk_curl" != no])
])

# LK_PORTABLE: what the portable programs are linked with (build-aux/portable.am): static libraries of all but the C library,
# whose own parts stay shared. Whether they are there is seen when they are linked.
AC_DEFUN([LK_PORTABLE], [
  lk_modules="json-c sqlite3 inih libcrypto"
  lk_static="$FCGI_LIBS $CRYPT_LIBS $UNISTRING_LIBS"
  for lk_module in libmariadb mariadb mysqlclient; do
    AS_CASE([$lk_mysql], ["$lk_module "*], [lk_modules="$lk_modules $lk_module"])
  done
  PORTABLE_LIBS=
  for lk_flag in $lk_static `$PKG_CONFIG --static --libs $lk_modules 2>/dev/null`; do
    AS_CASE([$lk_flag], [-lm|-ldl|-lrt|-lresolv|-lpthread|-pthread], [], [PORTABLE_LIBS="$PORTABLE_LIBS $lk_flag"])
  done
  PORTABLE_LIBS="-Wl,-Bstatic -Wl,--start-group$PORTABLE_LIBS -Wl,--end-group -Wl,-Bdynamic -Wl,--as-needed -lm -ldl -lrt -lpthread"
  AC_SUBST([PORTABLE_LIBS])
])
