#pragma once
#include "bindings/window.h"

namespace multiviz::script {

// mv.ui.work(name, function).
int ui_work(lua_State* L);

// Draws the progress of what mv.ui.work started in this window, or the error that it ended with.
void tend_work(Window& window);

}  // namespace multiviz::script
