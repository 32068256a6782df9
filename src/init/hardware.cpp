#include "init/hardware.h"

#include <fcntl.h>
#include <linux/input.h>
#include <linux/watchdog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/strings.h"
#include "sys/file.h"
#include "sys/log.h"

namespace diatom::init {

Result<std::unique_ptr<Watchdog>> Watchdog::create(proc::EventLoop& loop, unsigned timeout_s,
                                                   const std::string& device) {
    auto fd = TRY(sys::open_path(device, O_WRONLY), "watchdog");
    int seconds = static_cast<int>(timeout_s);
    if (::ioctl(fd.raw(), WDIOC_SETTIMEOUT, &seconds) < 0) {
        log::warning("the watchdog keeps its own time-out", {{"device", device}});
        if (::ioctl(fd.raw(), WDIOC_GETTIMEOUT, &seconds) < 0 || seconds < 1) seconds = 2;
    }
    std::unique_ptr<Watchdog> watchdog(new Watchdog(loop, std::move(fd)));
    const std::int64_t period = std::int64_t{seconds} * 1'000'000'000 / 3;
    watchdog->watch_ = TRY(loop.add_timer(period, period, [self = watchdog.get()] { self->feed(); }));
    watchdog->feed();
    return watchdog;
}

void Watchdog::feed() noexcept { ::ioctl(device_.raw(), WDIOC_KEEPALIVE, 0); }

bool has_key(std::string_view capabilities, unsigned key) {
    auto words = split_words(capabilities);
    const std::size_t index = key / 64;
    if (index >= words.size()) return false;
    const auto word = words[words.size() - 1 - index];
    std::uint64_t bits = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), bits, 16);
    return error == std::errc{} && (bits >> (key % 64) & 1U) != 0;
}

PowerButtons::~PowerButtons() {
    for (const auto& button : buttons_) loop_.remove(button.watch);
}

std::size_t PowerButtons::scan(const std::string& sys_class_input, const std::string& dev_input) {
    const auto names = sys::list_dir(sys_class_input);
    for (const auto& name : names ? *names : std::vector<std::string>{}) {
        if (!name.starts_with("event") || std::ranges::contains(buttons_, name, &Button::name)) continue;
        const auto keys = sys::read_file(sys_class_input + "/" + name + "/device/capabilities/key", 4096);
        if (!keys || !has_key(*keys, KEY_POWER)) continue;
        auto device = sys::open_path(dev_input + "/" + name, O_RDONLY | O_NONBLOCK);
        if (!device) continue;
        auto watch = loop_.add(*device, EPOLLIN, [this, name](std::uint32_t) { read(name); });
        if (watch) buttons_.push_back({name, std::move(*device), *watch});
    }
    return buttons_.size();
}

void PowerButtons::read(const std::string& name) {
    const auto button = std::ranges::find(buttons_, name, &Button::name);
    if (button == buttons_.end()) return;
    input_event event{};
    const ssize_t got = ::read(button->device.raw(), &event, sizeof event);
    if (got == sizeof event) {
        if (event.type == EV_KEY && event.code == KEY_POWER && event.value == 1) pressed_();
    } else if (!(got < 0 && (errno == EAGAIN || errno == EINTR))) {
        loop_.remove(button->watch);  // unplugged
        buttons_.erase(button);
    }
}

}  // namespace diatom::init
