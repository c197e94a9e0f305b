#include "bindings/lua.h"
