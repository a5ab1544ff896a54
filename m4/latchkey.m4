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
