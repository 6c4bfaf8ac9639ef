// Qt's generic bearer, polled as QT_BEARER_POLL_TIMEOUT says. It knows no addresses: a link without one is not active,
// so a change of the only address is told as a change of the state.
#include <QCoreApplication>
#include <QNetworkConfigurationManager>
#include <QTimer>
#include <cstdio>
#include <ctime>

static void tell(const char *what)
{
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    std::printf("%lld %s\n", now.tv_sec * 1000000000LL + now.tv_nsec, what);
    std::fflush(stdout);
}

int main(int argc, char **argv)
{
    QCoreApplication application(argc, argv);
    QNetworkConfigurationManager manager;
    QObject::connect(&manager, &QNetworkConfigurationManager::configurationChanged, [](const QNetworkConfiguration &it) {
        const bool active = (it.state() & QNetworkConfiguration::Active) == QNetworkConfiguration::Active;
        if (it.name() == "near")
            tell(active ? "up address" : "down address");
    });
    QObject::connect(&manager, &QNetworkConfigurationManager::configurationAdded, [](const QNetworkConfiguration &it) {
        if (it.name() == "extra")
            tell("new");
    });
    QObject::connect(&manager, &QNetworkConfigurationManager::configurationRemoved, [](const QNetworkConfiguration &it) {
        if (it.name() == "extra")
            tell("gone");
    });
    QObject::connect(&manager, &QNetworkConfigurationManager::updateCompleted, [] {
        static bool isReady;
        if (!isReady) {
            isReady = true;
            std::puts("ready");
            std::fflush(stdout);
        }
    });
    QTimer::singleShot(0, &manager, &QNetworkConfigurationManager::updateConfigurations);
    return application.exec();
}
