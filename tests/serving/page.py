"""What a hand does on the server's page in a real browser."""

from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from tests.serving.running import data_url

_WAIT_S = 120


def find(browser, selector):
    return browser.find_element(By.CSS_SELECTOR, selector)


def click(browser, selector):
    """Click where it is not under the header, which stays in view."""
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", find(browser, selector))
    find(browser, selector).click()


def wait(browser, condition):
    WebDriverWait(browser, _WAIT_S).until(lambda _: condition())


def look(browser, server, width, dark=False):
    """Open the page afresh at a size, with an empty console."""
    metrics = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [theme]})
    browser.get("about:blank")
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    browser.get(server.url)


def drop(browser, name, data, kind="image/jpeg"):
    """Drop a file on the page, as a hand with a mouse does."""
    script = """
      const [name, text, kind] = arguments;
      const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes], name, { type: kind }));
      document.querySelector(".drop, main").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
    """
    browser.execute_script(script, name, data_url(data).partition(",")[2], kind)
    wait(browser, lambda: find(browser, ".work").is_displayed() or find(browser, ".error").is_displayed())


def ask(browser, question):
    box = find(browser, "#question")
    box.clear()
    box.send_keys(question)
    click(browser, ".go")
    wait(browser, lambda: any(one.text for one in browser.find_elements(By.CSS_SELECTOR, ".answer b, .error")))
